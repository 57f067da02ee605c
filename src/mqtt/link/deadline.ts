/**
 * The result of `work`, or of `late` if it takes longer than `ms`; `late` may throw. The work itself continues, and a
 * later failure of it is ignored. No timer is left.
 */
export async function withDeadline<T>(ms: number, work: Promise<T>, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<'expired'>((resolve) => {
    timer = setTimeout(resolve, ms, 'expired');
  });
  try {
    const first = await Promise.race([work.then((value) => ({ value })), expired]);
    return first === 'expired' ? late() : first.value;
  } finally {
    clearTimeout(timer);
  }
}
