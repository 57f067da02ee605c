import { isAbsolute, resolve } from 'node:path';
import { type CameraSourceConfig } from '../schema/cameras';
import { type Config } from '../schema/schema';

/** Files of a broker's credentials. */
interface CredentialPaths {
  readonly passwordFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Every path in a configuration is relative to its file: what a service finds must not depend on where it was started. */
export function withAbsolutePaths(config: Config, folder: string): Config {
  const { mqtt, cameras, microphones } = config;
  return {
    ...config,
    mqtt: mqtt.broker.type === 'external' ? { ...mqtt, broker: absoluteCredentials(mqtt.broker, folder) } : mqtt,
    cameras: cameras.map((camera) => ({ ...camera, source: absoluteSource(camera.source, folder) })),
    microphones: microphones.map((microphone) => {
      const { source } = microphone;
      return source.type === 'file'
        ? { ...microphone, source: { ...source, path: resolve(folder, source.path) } }
        : microphone;
    }),
  };
}

export function absoluteCredentials<B extends CredentialPaths>(broker: B, folder: string): B {
  const { passwordFile, caFile, certFile, keyFile } = broker;
  const files = Object.entries({ passwordFile, caFile, certFile, keyFile }).flatMap(([key, path]) =>
    path === undefined ? [] : [[key, resolve(folder, path)]],
  );
  return { ...broker, ...(Object.fromEntries(files) as object) };
}

function absoluteSource(source: CameraSourceConfig, folder: string): CameraSourceConfig {
  if (source.type === 'folder') return { ...source, path: resolve(folder, source.path) };
  if (source.type !== 'ffmpeg') return source;
  const isFile = source.format === 'auto' && !/^[a-z][a-z0-9+.-]+:\/\//i.test(source.input);
  const { passwordFile } = source;
  if (passwordFile !== undefined) return { ...source, passwordFile: resolve(folder, passwordFile) };
  const path = source.input.replace(/^file:/, '');
  // A whole path stays as it is written: /dev/../etc/passwd is not a device, and the error must say so.
  return isFile && !isAbsolute(path) ? { ...source, input: resolve(folder, path) } : source;
}
