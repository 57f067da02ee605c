import { EMPTY, NEVER, Observable, Subject, from, of, take, throwError, timer, map } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { latestMap } from '../../src/rx/latest';

const scheduler = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));

describe('latestMap', () => {
  test('idle: each value is worked on at once', () => {
    scheduler().run(({ hot, expectObservable }) => {
      const source = hot('-a----b----|');
      expectObservable(source.pipe(latestMap((value) => timer(3).pipe(map(() => value))))).toBe('----a----b-|');
    });
  });

  test('busy: of those that arrive only the newest is kept, and starts the moment the work ends', () => {
    scheduler().run(({ hot, expectObservable, flush }) => {
      const dropped: string[] = [];
      const source = hot('abcdef------|');
      const result = source.pipe(
        latestMap(
          (value) => timer(4).pipe(map(() => value)),
          (value) => dropped.push(value),
        ),
      );
      expectObservable(result).toBe('----a---e---(f|)');
      flush();
      // a is worked on until 4, where e replaced d only just before; f arrives at 5.
      expect(dropped).toEqual(['b', 'c', 'd']);
    });
  });

  test('30 a second against 40 ms of work give 25 a second, where exhaustMap gives 15', () => {
    scheduler().run(({ expectObservable, flush }) => {
      let results = 0;
      const source = new Observable<number>((subscriber) => {
        for (let i = 0; i < 60; i++)
          subscriber.add(timer(Math.round((i * 1000) / 30)).subscribe(() => subscriber.next(i)));
      });
      expectObservable(
        source.pipe(
          latestMap(() => timer(40).pipe(map(() => results++))),
          map(() => NEVER),
        ),
        '2000ms !',
      );
      flush();
      expect(results).toBeGreaterThanOrEqual(49);
    });
  });

  test('the end of the source waits for the work and for the value that waits', () => {
    scheduler().run(({ hot, expectObservable }) => {
      expectObservable(hot('ab|').pipe(latestMap((value) => timer(4).pipe(map(() => value))))).toBe('----a---(b|)');
      expectObservable(hot('--|').pipe(latestMap(() => NEVER))).toBe('--|');
      expectObservable(hot('a-|').pipe(latestMap(() => EMPTY))).toBe('--|');
    });
  });

  test('a failure of work or source ends the stream and unsubscribes the other', () => {
    scheduler().run(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('a-b-c-|');
      const failing = cold('---#');
      expectObservable(source.pipe(latestMap(() => failing))).toBe('---#');
      expectSubscriptions(source.subscriptions).toBe('^--!');

      const broken = hot('a-#');
      const work = cold('------x');
      expectObservable(broken.pipe(latestMap(() => work))).toBe('--#');
      expectSubscriptions(work.subscriptions).toBe('^-!');
    });
  });

  test('work that throws before it returns fails the stream rather than the process', () => {
    const seen: unknown[] = [];
    const source = new Subject<number>();
    source
      .pipe(
        latestMap((): Observable<never> => {
          throw new Error('at once');
        }),
      )
      .subscribe({ error: (error: Error) => seen.push(error.message) });
    source.next(1);
    expect(seen).toEqual(['at once']);
    expect(source.observed).toBe(false);
  });

  test('unsubscribing stops work and source', () => {
    scheduler().run(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('ab---');
      const work = cold('-------x');
      expectObservable(source.pipe(latestMap(() => work)), '^--!').toBe('----');
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(work.subscriptions).toBe('^--!');
    });
  });

  test('after the downstream has enough, no more work is started, though a synchronous source goes on', () => {
    const worked: number[] = [];
    const seen: number[] = [];
    from([1, 2, 3])
      .pipe(
        latestMap((value) => {
          worked.push(value);
          return of(value);
        }),
        take(1),
      )
      .subscribe((value) => seen.push(value));
    expect(seen).toEqual([1]);
    expect(worked).toEqual([1]);
  });

  test('many short works leave nothing behind on a long-lived subscription', () => {
    const source = new Subject<number>();
    let open = 0;
    const subscription = source
      .pipe(
        latestMap(
          () =>
            new Observable<number>((subscriber) => {
              open++;
              subscriber.next(1);
              subscriber.complete();
              return () => open--;
            }),
        ),
      )
      .subscribe();
    for (let i = 0; i < 1000; i++) source.next(i);
    expect(open).toBe(0);
    subscription.unsubscribe();
    expect(source.observed).toBe(false);
  });

  test('promises are work too, and their rejection fails the stream', async () => {
    const result = new Promise((resolve, reject) => {
      of(1)
        .pipe(latestMap((value) => Promise.resolve(value * 2)))
        .subscribe({ next: resolve, error: reject });
    });
    await expect(result).resolves.toBe(2);
    await expect(
      new Promise((resolve, reject) => {
        of(1)
          .pipe(latestMap(() => throwError(() => new Error('no'))))
          .subscribe({ next: resolve, error: reject });
      }),
    ).rejects.toThrow('no');
  });
});
