export { readEspdl, type EspdlModel } from './container';
export { espdlToOnnx, INPUT, OUTPUT } from './to-onnx';
