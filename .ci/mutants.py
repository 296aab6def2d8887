"""Mutation testing of the domain: change it in one place, and see whether its tests notice.

poodle makes the mutants and applies each to a copy of ``src``. The own test file of the changed module runs first, then those
of the whole domain. A mutant that docs/mutants.md lists as equivalent is left out of the score.

Run ``make mutants`` for all mutants (hours), ``make mutants SAMPLE=200`` for a random sample (minutes), and
``make mutants ONLY=retry`` for the modules with a path that contains a text.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import subprocess
import sys
from pathlib import Path

from poodle.config import build_config
from poodle.core import PoodleWork
from poodle.data_types import Mutant, MutantTrialResult
from poodle.mutate import create_mutants_for_all_mutators, initialize_mutators
from poodle.run import clean_run_each_source_folder, run_mutant_trails
from poodle.util import calc_timeout, create_temp_zips, delete_folder

ROOT = Path(__file__).parent.parent
EQUIVALENT = ROOT / "docs" / "mutants.md"
TESTS = Path("tests/unit/domain")
PYTEST = "-q -x --tb=no --no-header --assert=plain -p no:cacheprovider -p no:xdist --hypothesis-profile=mutants"
MIN_SCORE = 0.95


def changed(mutant: Mutant) -> str:
    """Return the name of a mutant: its module, and the lines that it changes, as they read then."""
    assert mutant.source_file is not None
    lines = (ROOT / mutant.source_file).read_text().splitlines()
    first, last = lines[mutant.lineno - 1][: mutant.col_offset], lines[mutant.end_lineno - 1][mutant.end_col_offset :]
    text = " ".join(f"{first}{mutant.text}{last}".split())
    return f"{mutant.source_file.relative_to('src/domain')}: ``{text}``"


def runner(run_folder: Path, mutant: Mutant, timeout: float | None, **_: object) -> MutantTrialResult:
    """Run the tests on the copy in *run_folder*. A test that fails has found the mutant.

    So have tests that take ten times as long as without a mutant.
    """
    (run_folder / "chartimg").symlink_to("src")
    module = (mutant.source_file or Path("src/domain/none.py")).relative_to("src/domain")
    own = TESTS / module.with_name(f"test_{module.name}")
    environment = {**os.environ, "PYTHONPATH": str(run_folder.resolve()), "PYTHONDONTWRITEBYTECODE": "1"}
    for tests in (own, TESTS) if (ROOT / own).exists() else (TESTS,):
        command = [sys.executable, "-m", "pytest", *PYTEST.split(), str(tests)]
        try:
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return MutantTrialResult(found=True, reason_code=MutantTrialResult.RC_TIMEOUT)
        if done.returncode:
            return MutantTrialResult(found=True, reason_code=MutantTrialResult.RC_FOUND)
    if mutant.source_file:
        print(f"- {changed(mutant)}: line {mutant.lineno}, {mutant.mutator_name}", flush=True)
    return MutantTrialResult(found=False, reason_code=MutantTrialResult.RC_NOT_FOUND)


def is_public_list(mutant: Mutant) -> bool:
    """Return whether a mutant only changes ``__all__``, a text for readers and star imports."""
    assert mutant.source_file is not None
    tree = ast.parse((ROOT / mutant.source_file).read_text(encoding="utf-8"))
    lists = (node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
    return any(node.lineno <= mutant.lineno <= (node.end_lineno or node.lineno) for node in lists)


def main() -> int:
    """Print each mutant that survives, then the score; fail if it is below MIN_SCORE."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="try so many mutants, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="begin the choice from this number")
    parser.add_argument("--only", default="", help="try the modules with this text in their path")
    parser.add_argument("--workers", type=int, help="try so many mutants at once; by default one less than cores")
    options = parser.parse_args()
    os.chdir(ROOT)
    globs = ("domain/*.py", "domain/**/*.py")
    work = PoodleWork(build_config((Path("src"),), None, 0, 0, options.workers, (), globs, (), None, None, None))
    work.mutators, work.runner = initialize_mutators(work), runner
    equivalent = set(re.findall(r"^- (\S+\.py: ``.*``): ", EQUIVALENT.read_text(encoding="utf-8"), re.MULTILINE))
    named = {changed(each): each for each in create_mutants_for_all_mutators(work) if not is_public_list(each)}
    for name in equivalent - named.keys():
        print(f"docs/mutants.md lists {name}, which is not a mutant now")
    mutants = [each for name, each in named.items() if options.only in name and name not in equivalent]
    if options.sample:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, len(mutants)))
    create_temp_zips(work)
    try:
        timeout = calc_timeout(work.config, clean_run_each_source_folder(work))
        summary = run_mutant_trails(work, mutants, timeout).summary
    finally:
        delete_folder(work.config.work_folder, work.config)
    print(f"{summary.found} of {summary.trials} mutants are noticed: {summary.coverage_display}; goal {MIN_SCORE:.0%}")
    return int(summary.success_rate < MIN_SCORE)


if __name__ == "__main__":
    sys.exit(main())
