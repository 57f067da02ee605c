import { Observable, type ObservableInput, defer } from 'rxjs';

/**
 * One-slot, latest-wins processing: while `work` is busy with one value, only the newest arrival is kept, and it starts the
 * moment the work ends. rxjs's `exhaustMap` would wait for the *next* arrival instead (30 fps and 40 ms of work gave 15 fps
 * where this gives 25), `switchMap` does not cancel inference, `concatMap` queues without bound.
 *
 * @param work its failure fails the stream, thrown at once or later.
 * @param dropped called with every value that was overtaken.
 */
export function latestMap<T, R>(work: (value: T) => ObservableInput<R>, dropped?: (value: T) => void) {
  return (source: Observable<T>): Observable<R> =>
    new Observable<R>((subscriber) => {
      let waiting: { value: T } | null = null;
      let busy = false;
      let sourceDone = false;

      const start = (value: T): void => {
        busy = true;
        // `defer`: what `work` throws before it returns would otherwise be an uncaught exception.
        const inner = defer(() => work(value)).subscribe({
          next: (result) => {
            subscriber.next(result);
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            busy = false;
            const next = waiting;
            waiting = null;
            if (next !== null) start(next.value);
            else if (sourceDone) subscriber.complete();
          },
        });
        subscriber.add(inner);
      };

      subscriber.add(
        source.subscribe({
          next: (value) => {
            // A source that emits while it is being subscribed to cannot be unsubscribed yet.
            if (subscriber.closed) return;
            if (!busy) {
              start(value);
              return;
            }
            if (waiting !== null) dropped?.(waiting.value);
            waiting = { value };
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            sourceDone = true;
            if (!busy) subscriber.complete();
          },
        }),
      );
    });
}
