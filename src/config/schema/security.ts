import { z } from 'zod';

const Days = z.number().int().min(1).max(36_500).nullable().default(null);

/** How members' data is kept: under which key, by whose consent, for how long. */
export const SecurityConfig = z.strictObject({
  commandKeys: z
    .array(z.string().min(1).max(4096))
    .max(16)
    .default([])
    .describe('Files of the public keys (PEM) whose holders may change who enters; relative to this file'),
  boxKey: z
    .strictObject({
      source: z
        .enum(['auto', 'file', 'credential', 'tpm'])
        .default('auto')
        .describe(
          'Where the key that seals members’ data comes from. file: made at the first start. credential: usher-box-key of systemd. ' +
            'tpm: opened by tpm2_unseal. auto: the credential where there is one, else the file',
        ),
      file: z
        .string()
        .min(1)
        .max(4096)
        .optional()
        .describe(
          'The key file, or what the TPM sealed; relative to this file. Default: keys/box.key in the data folder',
        ),
    })
    .prefault({}),
  consent: z
    .strictObject({
      required: z.boolean().default(true).describe('Enrol nobody without a record of consent'),
      textVersion: z
        .string()
        .min(1)
        .max(64)
        .nullable()
        .default(null)
        .describe('The version of the consent text in use; another one is refused. null: any'),
    })
    .prefault({}),
  retention: z
    .strictObject({
      inactiveDays: Days.describe('Delete a member so many days after the last grant or enrolment; null: never'),
      expiredDays: Days.describe('Delete a member so many days after the validity ended; null: never'),
    })
    .prefault({}),
});
export type SecurityConfig = z.infer<typeof SecurityConfig>;
