/**
 * The result of `work`, or of `late` when it takes longer than `ms`; `late` may throw. The work itself goes on, and its later
 * failure is nobody's concern. No timer is left behind.
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
