import { z } from 'zod';

const Days = z.number().int().min(1).max(36_500).nullable().default(null);

/** How the data of members is kept: under which key, with whose consent, for how long. */
export const SecurityConfig = z.strictObject({
  commandKeys: z
    .array(z.string().min(1).max(4096))
    .max(16)
    .default([])
    .describe(
      'Files of public keys (PEM). Commands signed with one of them may change who enters; relative to this file. `usher command-key new` makes a pair',
    ),
  boxKey: z
    .strictObject({
      source: z
        .enum(['auto', 'file', 'credential', 'tpm'])
        .default('auto')
        .describe(
          'Where the key comes from. file: made at the first start. credential: usher-box-key of systemd. tpm: opened by tpm2_unseal. auto: the credential where there is one, else the file',
        ),
      file: z
        .string()
        .min(1)
        .max(4096)
        .optional()
        .describe(
          'The key file, or what the TPM sealed; relative to this file. Without it: keys/box.key in the data folder',
        ),
    })
    .prefault({})
    .describe('The key under which the data of members is encrypted'),
  consent: z
    .strictObject({
      required: z.boolean().default(true).describe('Refuse to enrol a person without a record of consent'),
      textVersion: z
        .string()
        .min(1)
        .max(64)
        .nullable()
        .default(null)
        .describe('The version of the consent text in use; a consent to another one is refused. null: any'),
    })
    .prefault({})
    .describe('What an enrolment needs'),
  retention: z
    .strictObject({
      inactiveDays: Days.describe('Delete a member this long after the last grant or enrolment; null: never'),
      expiredDays: Days.describe('Delete a member this long after the membership ended; null: never'),
    })
    .prefault({})
    .describe('When members are deleted by age'),
});
export type SecurityConfig = z.infer<typeof SecurityConfig>;
