"""Operators of the domain com.microsoft, as onnxruntime's optimizer and quantizer write them, in ONNX's own."""
