//! Compiles every `.proto` file under `proto/`. A new file or package needs no edit here.
//!
//! protox is a compiler in Rust: nothing has to be installed, and no generated file is kept that could drift.

use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

fn main() -> ExitCode {
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            for line in message.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), String> {
    let root = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../proto");
    let out_dir = PathBuf::from(variable("OUT_DIR")?);
    let mut files = Vec::new();
    proto_files(&root, &mut files).map_err(|error| format!("cannot list {}: {error}", root.display()))?;
    files.sort();

    let mut compiler = protox::Compiler::new([&root]).map_err(|error| error.to_string())?;
    compiler.include_source_info(true).include_imports(true);
    // One at a time, so that the message names the file to mend. protox's own report has line and column.
    for file in &files {
        compiler.open_file(file).map_err(|error| format!("{}: {error:?}", file.display()))?;
    }
    let descriptors = compiler.file_descriptor_set();

    let mut for_reflection = descriptors.clone();
    for file in &mut for_reflection.file {
        file.source_code_info = None;
    }
    fs::write(out_dir.join("descriptors.binpb"), for_reflection.encode_to_vec())
        .map_err(|error| format!("cannot write the descriptor set: {error}"))?;

    fs::write(out_dir.join("calls.rs"), calls(&descriptors)?)
        .map_err(|error| format!("cannot write the calls: {error}"))?;

    tonic_prost_build::configure()
        .build_client(true)
        .build_server(true)
        .include_file("packages.rs")
        .compile_fds(descriptors)
        .map_err(|error| format!("cannot generate Rust from the protos: {error}"))
}

/// `impl Unary` for the request of every rpc that takes one message and answers one. Every rpc has a request of its own
/// (buf's lint holds that), so the request alone says what is called.
fn calls(descriptors: &FileDescriptorSet) -> Result<String, String> {
    let mut text = String::new();
    for file in &descriptors.file {
        for service in &file.service {
            let unary = |rpc: &&MethodDescriptorProto| !rpc.client_streaming() && !rpc.server_streaming();
            for rpc in service.method.iter().filter(unary) {
                let (request, response) = (rust_path(rpc.input_type())?, rust_path(rpc.output_type())?);
                let path = format!("/{}.{}/{}", file.package(), service.name(), rpc.name());
                text.push_str(&format!(
                    "impl Unary for {request} {{
                        type Response = {response};
                        const PATH: &'static str = {path:?};
                        fn to_bytes(&self) -> Bytes {{ self.encode_to_vec().into() }}
                        fn response(answer: Bytes) -> Result<{response}, Status> {{ read(answer) }}
                    }}
"
                ));
            }
        }
    }
    Ok(text)
}

/// Where prost puts a message that stands in no other: `.almoner.ledger.v1.Entry` is `crate::packages::almoner::ledger::v1::Entry`.
fn rust_path(name: &str) -> Result<String, String> {
    let path = name.strip_prefix('.').ok_or_else(|| format!("{name} is not a full name"))?;
    Ok(format!("crate::packages::{}", path.replace('.', "::")))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

fn proto_files(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            proto_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    Ok(())
}
