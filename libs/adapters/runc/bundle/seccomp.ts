/**
 * The default seccomp profile: an allow-list, everything else fails with EPERM. Same semantics as Docker's documented default
 * (docs, "Seccomp security profiles for Docker"): dangerous calls are allowed only with the capability that guards them.
 */
import type { OciSeccomp, OciSyscallRule } from './oci.js';

const ALLOW = 'SCMP_ACT_ALLOW';
const ERRNO = 'SCMP_ACT_ERRNO';
const EPERM = 1;
const ENOSYS = 38;
/** Flags of clone(2) that make namespaces. */
const CLONE_NEW_FLAGS = 0x7e02_0000;
const AF_VSOCK = 40;
/** personality(2): Linux, Linux32, UNAME26 for either, and the query. */
const PERSONALITIES = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/** By theme, so that a review can see what is there. */
const ALWAYS: readonly string[] = [
  // files and directories
  'access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fadvise64_64',
  'fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr',
  'fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr',
  'inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown lchown32 lgetxattr link linkat listxattr llistxattr',
  '_llseek lremovexattr lseek lsetxattr lstat lstat64 memfd_create memfd_secret mkdir mkdirat mknod mknodat name_to_handle_at newfstatat',
  'open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr',
  'rename renameat renameat2 rmdir sendfile sendfile64 setxattr splice stat stat64 statfs statfs64 statx symlink symlinkat sync',
  'sync_file_range sync_file_range2 arm_sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes',
  'vmsplice write writev fanotify_mark cachestat',
  // waiting
  'epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 poll ppoll',
  'ppoll_time64 pselect6 pselect6_time64 select _newselect signalfd signalfd4 futex futex_time64 futex_waitv futex_wait futex_wake futex_requeue',
  'get_robust_list set_robust_list io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit',
  // memory
  'brk madvise mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap msync munlock munlockall munmap membarrier pkey_alloc pkey_free',
  'pkey_mprotect process_mrelease remap_file_pages map_shadow_stack',
  // processes, threads, signals
  'arch_prctl capget capset execve execveat exit exit_group fork vfork getpgid getpgrp getpid getppid getpriority getsid gettid kill',
  'modify_ldt pause pidfd_open pidfd_send_signal prctl prlimit64 restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask',
  'rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo seccomp set_thread_area',
  'get_thread_area set_tid_address setpgid setpriority setsid sigaction sigaltstack signal sigpending sigprocmask sigreturn sigsuspend',
  'tgkill tkill wait4 waitid waitpid ptrace process_vm_readv process_vm_writev landlock_add_rule landlock_create_ruleset landlock_restrict_self',
  // scheduling and limits
  'getcpu getrlimit ugetrlimit setrlimit getrusage ioprio_get ioprio_set nice sched_get_priority_max sched_get_priority_min',
  'sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64',
  'sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield sysinfo times uname getrandom',
  // identity
  'getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 getresuid getresuid32 getuid getuid32',
  'setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid',
  'setresuid32 setreuid setreuid32 setuid setuid32',
  // time
  'adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep',
  'clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime',
  'timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64',
  // sockets and IPC
  'accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg',
  'sendmsg sendto setsockopt shutdown socketcall socketpair ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64',
  'mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl',
  'shmdt shmget',
];

/** What a capability opens. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN:
    'bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare',
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
};

/** Native first. Each further one makes libseccomp compile the whole filter again, about 25 ms of a container start. */
const ARCHITECTURES: Readonly<Record<string, readonly [string, string]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

export interface Processor {
  /** As in `process.arch`. */
  readonly architecture: string;
  /** Whether 32-bit programs may run too; else the kernel kills them at their first call. */
  readonly runs32Bit: boolean;
}

/** The profile for a container with these capabilities on this processor. */
export function defaultSeccomp(capabilities: readonly string[], { architecture, runs32Bit }: Processor): OciSeccomp {
  const names = ALWAYS.flatMap((line) => line.split(' '));
  if (architecture === 'arm64') names.push('cacheflush', 'set_tls', 'breakpoint');
  const opened = capabilities.flatMap((capability) => BY_CAPABILITY[capability]?.split(' ') ?? []);
  const isAdmin = capabilities.includes('CAP_SYS_ADMIN');
  return {
    defaultAction: ERRNO,
    defaultErrnoRet: EPERM,
    architectures: (ARCHITECTURES[architecture] ?? []).slice(0, runs32Bit ? 2 : 1),
    syscalls: [
      { names: [...new Set([...names, ...opened])], action: ALLOW },
      { names: ['socket'], action: ALLOW, args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }] },
      ...PERSONALITIES.map((value): OciSyscallRule => ({
        names: ['personality'],
        action: ALLOW,
        args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
      })),
      ...(isAdmin ? [] : withoutNamespaces()),
    ],
  };
}

/** clone without namespace flags; clone3 hides its flags in memory, so it must look absent and libc falls back to clone. */
function withoutNamespaces(): readonly OciSyscallRule[] {
  return [
    { names: ['clone'], action: ALLOW, args: [{ index: 0, value: CLONE_NEW_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }] },
    { names: ['clone3'], action: ERRNO, errnoRet: ENOSYS },
  ];
}
