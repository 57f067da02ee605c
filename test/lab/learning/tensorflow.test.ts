import { type Tensor2D, loadTfjs } from '../../../src/lab/learning/tensorflow';

describe('loading TensorFlow.js', () => {
  it('computes and differentiates on WebAssembly', async () => {
    const { tf, backend } = await loadTfjs('wasm');
    expect(backend).toBe('wasm');
    const gradient = tf.tidy(() =>
      tf.grad((x) => tf.sum(tf.matMul(x as Tensor2D, x as Tensor2D)))(tf.tensor2d([1, 2, 3, 4], [2, 2])),
    );
    expect([...gradient.dataSync()]).toEqual([7, 11, 9, 13]);
    gradient.dispose();
  });

  it('takes the first that is installed, and tells what really runs', async () => {
    const asked: string[] = [];
    const loaded = await loadTfjs(undefined, (id) => {
      asked.push(id);
      if (id.endsWith('node-gpu')) throw new Error(`Cannot find module '${id}'`);
      return { setBackend: () => Promise.resolve(true) };
    });
    expect(asked).toEqual(['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']);
    expect(loaded.backend).toBe('tfjs-node');
  });

  it('says of each why it could not be taken', async () => {
    const nothing = (id: string): never => {
      throw new Error(`Cannot find module '${id}'\nRequire stack: …`);
    };
    await expect(loadTfjs(undefined, nothing)).rejects.toMatchObject({
      code: 'dependency-missing',
      message: expect.stringMatching(/tfjs-node-gpu: Cannot find.*tfjs-node: Cannot find.*wasm: Cannot find/) as string,
      remedy: expect.stringContaining('npm ci') as string,
    });
    await expect(loadTfjs('tfjs-node', nothing)).rejects.toMatchObject({
      remedy: expect.stringContaining('npm install --no-save @tensorflow/tfjs-node') as string,
    });
  });
});
