//! Measures tract on one model: tract-bench MODEL DIR SECONDS LIMIT SHAPE=FILE...
//!
//! SHAPE=FILE is an input of the model, in its order: 1x168x64=path of little-endian float32s. Runs for SECONDS, at
//! least five times, writes output i of the last run to DIR/output_i, and prints its version and then the milliseconds
//! of every run, a line each. A run longer than LIMIT seconds ends the program. Errors go to stderr as one line.

use std::time::{Duration, Instant};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::format_err;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Err(e) = bench(&args) {
        eprintln!("{}", format!("{e:#}").replace('\n', " "));
        std::process::exit(1);
    }
}

fn bench(args: &[String]) -> TractResult<()> {
    let [path, dir, seconds, limit, inputs @ ..] = args else {
        return Err(format_err!("usage: tract-bench MODEL DIR SECONDS LIMIT SHAPE=FILE..."));
    };
    let budget = Duration::from_secs_f64(seconds.parse()?);
    let limit = Duration::from_secs_f64(limit.parse()?);
    let mut model = tract_onnx::onnx().model_for_path(path)?;
    let mut values = tvec!();
    for (i, input) in inputs.iter().enumerate() {
        let (shape, file) = input.split_once('=').ok_or_else(|| format_err!("{input}: expected SHAPE=FILE"))?;
        let shape = shape.split('x').map(|d| Ok(d.parse()?)).collect::<TractResult<Vec<usize>>>()?;
        let data: Vec<f32> =
            std::fs::read(file)?.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        model.set_input_fact(i, f32::fact(&shape).into())?;
        values.push(Tensor::from_shape(&shape, &data)?.into_tvalue());
    }
    let model = model.into_optimized()?.into_runnable()?;

    let start = Instant::now();
    let mut outputs = model.run(values.clone())?;
    if start.elapsed() > limit {
        return Err(format_err!("more than {limit:?} for one run"));
    }
    println!("tract 0.23.9");
    let begin = Instant::now();
    let mut runs = 0;
    while runs < 5 || begin.elapsed() < budget {
        let start = Instant::now();
        outputs = model.run(values.clone())?;
        println!("{}", start.elapsed().as_secs_f64() * 1e3);
        runs += 1;
    }
    for (i, output) in outputs.iter().enumerate() {
        let view = output.to_plain_array_view::<f32>()?;
        let bytes: Vec<u8> = view.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(std::path::Path::new(dir).join(format!("output_{i}")), bytes)?;
    }
    Ok(())
}
