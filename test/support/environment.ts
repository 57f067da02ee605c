/** Sets a variable in the environment that programs inherit which a test starts, or takes it away; put it back afterwards. */
export const setForPrograms = (globalThis as unknown as { setForPrograms: (name: string, value?: string) => void })
  .setForPrograms;
