/**
 * The folder of the credentials that systemd gave to this service (https://systemd.io/CREDENTIALS); null outside a
 * service.
 */
export function credentialsDirectory(): string | null {
  const folder = process.env['CREDENTIALS_DIRECTORY'];
  return folder === undefined || folder === '' ? null : folder;
}
