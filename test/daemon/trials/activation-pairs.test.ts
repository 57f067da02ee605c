import { ActivationPairs } from '../../../src/daemon/trials/activation-pairs';

describe('what two models hear of the same sound', () => {
  it('is compared word by word, within a word’s time', () => {
    const pairs = new ActivationPairs();
    expect(pairs.agreement).toBeNull();
    pairs.own({ word: 'computer' }, 1000);
    pairs.candidate({ word: 'computer' }, 1900);
    pairs.candidate({ word: 'computer' }, 9000);
    pairs.own({ word: 'computer' }, 9200);
    expect([pairs.compared, pairs.agreement]).toEqual([2, 1]);
    // Another word is another thing, however near.
    pairs.own({ word: 'computer' }, 20_000);
    pairs.candidate({ word: 'jarvis' }, 20_100);
    pairs.settle(21_400);
    expect(pairs.compared).toBe(2);
    pairs.settle(21_700);
    expect([pairs.compared, pairs.agreement]).toEqual([4, 0.5]);
  });

  it('does not find each other too late', () => {
    const pairs = new ActivationPairs();
    pairs.own({ word: 'computer' }, 1000);
    pairs.candidate({ word: 'computer' }, 2600);
    pairs.settle(9000);
    expect([pairs.compared, pairs.agreement]).toEqual([2, 0]);
  });
});
