"""`archsim gpu-fit`: the efficiency of a GPU from measured products."""

import sys
from pathlib import Path

import click


@click.command("gpu-fit", epilog="FILE is CSV, may be .gz, with the columns gpu, model, M, K, N, median_ms (fp16).")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("gpu")
@click.option("--spec", metavar="GPU", help="The specification, if its name is not that of the rows.")
@click.option("--aside", multiple=True, metavar="MODEL", help="Keep a model's products aside, and show their error.")
def command(*, file: Path, gpu: str, spec: str | None, aside: tuple[str, ...]) -> None:
    """Fit six numbers on the measured products of GPU; print them as they stand in its file, and the errors."""
    from archsim.gpu.fit import fit, read_measured
    from archsim.gpu.load import load_gpu

    measured = read_measured(file, gpu)
    found = fit(load_gpu(spec or gpu), measured, aside)
    best = found.efficiency
    tiles = f"edge: {best.edge:.4f}, overlap: {best.overlap:.3f}, tail: {best.tail:.4f}, write: {best.write:.4f}"
    reached = f"compute: {best.compute:.4f}, memory: {best.memory:.4f}, launch: {best.launch * 1e6:.2f} us"
    median, most = found.fitted
    lines = [f"efficiency: {{{reached}, {tiles}}}", f"# fitted on: median error {median:.1%}, 90 % within {most:.1%}"]
    if aside:
        median, most = found.held_out
        lines.append(f"# kept aside, {', '.join(aside)}: median error {median:.1%}, 90 % within {most:.1%}")
    sys.stdout.write("\n".join(lines) + "\n")
