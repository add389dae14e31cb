/** Debian's docker-registry behind TLS and a password, on an address that a cluster's hosts reach. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, run } from './processes.js';

export interface SecureRegistry extends AsyncDisposable {
  /** `10.92.0.1:5443`. */
  readonly host: string;
  readonly username: string;
  readonly password: string;
  /** Copies an image there, from a source in skopeo's words. Answers its digest. */
  push(source: string, name: string): Promise<string>;
}

const CERTIFICATES = '/etc/berth/certs.d';
/** bcrypt of `secret`, as `htpasswd -B` writes it. */
const HTPASSWD = 'berth:$2y$05$h16Q9ZZxUVhJKr7oBeDSseYO.Xt6pOoEYgTNcBIJODFW9XGuiAtg6';

/** Its certificate is put where agents look for those that they trust; disposing takes it away again. */
export async function startSecureRegistry(address: string, port: number): Promise<SecureRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-secure-registry-'));
  const host = `${address}:${port}`;
  const trusted = join(CERTIFICATES, host);
  const [certificate, key] = [join(folder, 'registry.crt'), join(folder, 'registry.key')];
  const subject = ['-subj', '/CN=registry', '-addext', `subjectAltName=IP:${address}`];
  await run([
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    ...subject,
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
  mkdirSync(trusted, { recursive: true });
  await run(['cp', certificate, join(trusted, 'ca.crt')]);
  writeFileSync(join(folder, 'htpasswd'), HTPASSWD);
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: host, tls: { certificate, key } },
    auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } },
  };
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config)); // JSON is YAML
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const credentials = { username: 'berth', password: 'secret' };
  await eventually('the registry answers', 10_000, () => run(['curl', '-sS', '--cacert', certificate, `https://${host}/v2/`]));
  return {
    host,
    ...credentials,
    push: async (source, name) => {
      const digestFile = join(folder, 'digest');
      const options = [
        '--dest-creds',
        `${credentials.username}:${credentials.password}`,
        '--dest-cert-dir',
        trusted,
        '--digestfile',
        digestFile,
      ];
      await run(['skopeo', '--insecure-policy', 'copy', ...options, source, `docker://${host}/${name}`]);
      return run(['cat', digestFile]);
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
      rmSync(trusted, { recursive: true, force: true });
    },
  };
}
