export { readEspdl, type EspdlModel } from './container';
export { espdlToOnnx, INPUT, OUTPUT } from './to-onnx';
export { espdlToInt8Onnx } from './to-onnx-int8';
