import { describe, expect, test } from '@jest/globals';
import { ImagePullError } from '../../agent/index.js';
import { baseImages } from './dockerfile.js';
import { choosePlatform } from './manifest.js';
import { parseReference } from './reference.js';
import { baseUrl, parseChallenge } from './registry-client.js';

const digest = `sha256:${'a'.repeat(64)}`;

describe('image references', () => {
  test.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.25', 'docker.io/library/nginx:1.25'],
    ['acme/web', 'docker.io/acme/web:latest'],
    ['index.docker.io/library/nginx', 'docker.io/library/nginx:latest'],
    ['registry.example/web:1', 'registry.example/web:1'],
    ['registry.example:5000/a/b/web', 'registry.example:5000/a/b/web:latest'],
    ['localhost/web', 'localhost/web:latest'],
    ['localhost:5000/web:v1', 'localhost:5000/web:v1'],
    ['[::1]:5000/web', '[::1]:5000/web:latest'],
    [`nginx@${digest}`, `docker.io/library/nginx@${digest}`],
    [`nginx:1.25@${digest}`, `docker.io/library/nginx@${digest}`],
  ])('%s means %s', (text, canonical) => {
    expect(parseReference(text).canonical).toBe(canonical);
  });

  test.each([
    '',
    'Nginx',
    'nginx:',
    'nginx:ta g',
    'a//b',
    '-web',
    'web@sha256:12',
    'registry.example:port/web',
    ':tag',
    `web:${'t'.repeat(129)}`,
  ])('%j is an InvalidImageName', (text) => {
    expect(() => parseReference(text)).toThrow(ImagePullError);
    expect(() => parseReference(text)).toThrow(`couldn't parse image name "${text}"`);
  });
});

describe('registries', () => {
  test('loopback and configured hosts are spoken to over plain HTTP, all others over HTTPS', () => {
    const options = { insecureRegistries: ['10.88.0.1:5000'] };
    const url = (registry: string): string => baseUrl(registry, options).origin;
    expect(url('docker.io')).toBe('https://registry-1.docker.io');
    expect(url('localhost:5000')).toBe('http://localhost:5000');
    expect(url('127.0.0.1:5000')).toBe('http://127.0.0.1:5000');
    expect(url('10.88.0.1:5000')).toBe('http://10.88.0.1:5000');
    expect(url('10.88.0.1')).toBe('https://10.88.0.1');
  });

  test('challenges are read with quoted and plain values', () => {
    expect(parseChallenge('Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"')).toEqual({
      scheme: 'bearer',
      parameters: { realm: 'https://auth.example/token', service: 'reg', scope: 'repository:a/b:pull,push' },
    });
    expect(parseChallenge('Basic realm=x')).toEqual({ scheme: 'basic', parameters: { realm: 'x' } });
    expect(parseChallenge('Negotiate')).toBeUndefined();
  });
});

test('the image of this platform is chosen, attestations are not', () => {
  const entry = (architecture: string, os = 'linux') => ({ mediaType: '', digest, size: 1, platform: { os, architecture } });
  expect(choosePlatform([entry('unknown', 'unknown'), entry('arm64'), entry('amd64')], 'amd64')).toEqual(entry('amd64'));
  expect(() => choosePlatform([entry('arm64')], 'amd64')).toThrow('linux/amd64 not found');
});

test('base images of a Dockerfile are found through stages, arguments and continuation lines', () => {
  const dockerfile = `
ARG BASE=debian:12
ARG TAG
FROM --platform=linux/amd64 \${BASE} AS Build
RUN echo FROM nothing
COPY --from=tools:1 /x /x
FROM build
FROM registry.example/app:\${TAG:-latest} \\
  AS last
COPY --from=0 /a /b
COPY --from=Build /a /b
FROM scratch
`;
  expect(baseImages(dockerfile, { TAG: '2' })).toEqual(['debian:12', 'tools:1', 'registry.example/app:2']);
  expect(baseImages(dockerfile)).toContain('registry.example/app:latest');
});
