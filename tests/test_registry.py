import sys
import textwrap
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from archsim import registry, resources
from archsim.errors import ArchsimError
from archsim.registry import GROUP, RegistryError, known, part_class


class Base:
    """Stands in for the class of all parts."""


class Tia(Base):
    """A part."""

    class Inner(Base):
        """A part inside a part."""


NOT_A_CLASS = 3

HERE = "a_users_parts"


@pytest.fixture(autouse=True)
def entry_points(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[metadata.EntryPoint]]:
    """Replace what is installed by a list that a test fills."""
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    entries = [
        metadata.EntryPoint("tia", f"{HERE}:Tia", GROUP),
        metadata.EntryPoint("three", f"{HERE}:NOT_A_CLASS", GROUP),
        metadata.EntryPoint("gone", "no_such_module.at_all:Gone", GROUP),
    ]

    def listed(*, group: str) -> list[metadata.EntryPoint]:
        return [entry for entry in entries if entry.group == group]

    monkeypatch.setattr(metadata, "entry_points", listed)
    _forget()
    yield entries
    _forget()


def _forget() -> None:
    registry._entries.cache_clear()  # noqa: SLF001
    registry._class.cache_clear()  # noqa: SLF001


def _refusal(name: str) -> str:
    with pytest.raises(RegistryError) as caught:
        part_class(name, Base)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_names_are_listed_without_importing_their_classes() -> None:
    assert known() == ("gone", "three", "tia")


@pytest.mark.parametrize("name", ["tia", f"{HERE}.Tia", f"{HERE}:Tia"])
def test_a_part_is_found_by_name_and_by_path(name: str) -> None:
    assert part_class(name, Base) is Tia


def test_a_path_after_a_colon_may_lead_into_a_class() -> None:
    assert part_class(f"{HERE}:Tia.Inner", Base) is Tia.Inner


def test_an_unknown_name_is_answered_with_the_known() -> None:
    assert _refusal("tai") == "unknown part class 'tai'. Did you mean 'tia'? Known: gone, three, tia."


@pytest.mark.parametrize("name", ["", ".", ":", "a..b", ":Tia", f"{HERE}:", "my pkg:X", "a-b.C", f"{HERE}.Tia:"])
def test_a_broken_path_is_an_unknown_name(name: str) -> None:
    assert _refusal(name).startswith("unknown part class ")


def test_an_empty_registry_says_that_archsim_is_not_installed(
    entry_points: list[metadata.EntryPoint],
) -> None:
    entry_points.clear()
    assert _refusal("tia") == (
        "unknown part class 'tia'; none is registered, so archsim is not installed (a checkout needs pip install -e .)."
    )


def test_what_is_not_a_class_or_not_a_part_is_refused() -> None:
    assert _refusal("three") == f"part class 'three': {HERE}:NOT_A_CLASS is no class but of type int."
    assert _refusal("fractions.Fraction") == (
        f"part class 'fractions.Fraction': fractions.Fraction is no subclass of {__name__}.Base."
    )


def test_a_missing_module_is_named_with_the_reason() -> None:
    assert _refusal("gone") == (
        "part class 'gone': cannot import no_such_module.at_all "
        "(ModuleNotFoundError: No module named 'no_such_module'). Is it installed, or on PYTHONPATH?"
    )


def test_a_missing_attribute_is_answered_with_the_classes_there() -> None:
    refusal = _refusal(f"{HERE}.Tai")
    assert refusal.startswith(f"part class '{HERE}.Tai': {HERE} has no 'Tai'. Did you mean 'Tia'?")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError: invalid syntax"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("import lacking_here", "ModuleNotFoundError: No module named 'lacking_here'"),
    ],
)
def test_a_module_that_fails_to_import_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, why: str
) -> None:
    (tmp_path / "broken_parts.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_parts", raising=False)
    refusal = _refusal("broken_parts.Adc")
    assert refusal.startswith(f"part class 'broken_parts.Adc': cannot import broken_parts ({why}")
    assert "PYTHONPATH" not in refusal  # the module itself is there


def test_a_user_module_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"""\
        from {HERE} import Base

        class MyAdc(Base):
            pass
        """
    (tmp_path / "my_parts.py").write_text(textwrap.dedent(code), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert part_class("my_parts.MyAdc", Base).__name__ == "MyAdc"
    sys.modules.pop("my_parts")


def test_two_owners_of_a_name_are_refused_but_a_repeated_one_is_not(
    entry_points: list[metadata.EntryPoint],
) -> None:
    entry_points.append(metadata.EntryPoint("tia", f"{HERE}:Tia", GROUP))
    assert part_class("tia", Base) is Tia
    _forget()
    entry_points.append(metadata.EntryPoint("tia", "other:Tia", GROUP))
    assert _refusal("tia") == f"part class 'tia' is registered more than once: {HERE}:Tia and other:Tia."


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out a checkout: files beside the package; the current folder is another."""
    package = tmp_path / "root" / "archsim"
    machines = tmp_path / "root" / "hw_configs" / "machines"
    elsewhere = tmp_path / "elsewhere"
    for folder in (package, machines, elsewhere):
        folder.mkdir(parents=True)
    for name in ("isaac", "puma", "llama-3.2"):
        (machines / f"{name}.yaml").touch()
    monkeypatch.setattr(resources, "_PACKAGE", package)
    monkeypatch.chdir(elsewhere)
    return tmp_path / "root"


def _locate_refusal(name: str) -> str:
    with pytest.raises(ArchsimError) as caught:
        resources.locate("hw_configs/machines", name)
    return str(caught.value)


def test_resources_lie_beside_the_package_or_inside_it(installed: Path) -> None:
    assert resources.find("hw_configs") == installed / "hw_configs"
    inside = installed / "archsim" / "hw_configs"
    inside.mkdir()
    assert resources.find("hw_configs") == inside
    with pytest.raises(ArchsimError, match=r"^workloads is neither at .* nor at .*; archsim is not wholly"):
        resources.find("workloads")


@pytest.mark.parametrize("name", ["isaac", "llama-3.2"])
def test_a_bare_name_is_looked_up(installed: Path, name: str) -> None:
    expected = installed / "hw_configs" / "machines" / f"{name}.yaml"
    assert resources.locate("hw_configs/machines", name) == expected


@pytest.mark.parametrize("name", ["isaac", "mine.yaml", "sub/mine.txt"])
@pytest.mark.usefixtures("installed")
def test_a_file_that_exists_is_used_as_it_is(name: str) -> None:
    Path("sub").mkdir()
    Path(name).touch()
    assert resources.locate("hw_configs/machines", name) == Path(name)


def test_a_folder_does_not_hide_a_name(installed: Path) -> None:
    Path("isaac").mkdir()
    assert resources.locate("hw_configs/machines", "isaac").parent == installed / "hw_configs" / "machines"
    assert _locate_refusal("isaac/") == "isaac/ is a folder; expected a .yaml file."


@pytest.mark.usefixtures("installed")
def test_what_cannot_be_located_is_one_clear_line() -> None:
    assert _locate_refusal("isac") == (
        "unknown name 'isac', and no such file. Did you mean 'isaac'? Known: isaac, llama-3.2, puma."
    )
    assert _locate_refusal("sub/quux.yaml") == "'sub/quux.yaml': no such file."
    assert _locate_refusal("isaac.yaml") == (
        "'isaac.yaml': no such file. Did you mean 'isaac', which comes with archsim?"
    )
    Path("net.onnx").touch()
    assert _locate_refusal("net.onnx") == "'net.onnx' is a file of a model; expected a machine, a .yaml file."
    assert _locate_refusal("") == "unknown name '', and no such file. Known: isaac, llama-3.2, puma."
    assert _locate_refusal("x" * 5000).startswith("unknown name 'xxx")
    assert _locate_refusal("a\0b").startswith("unknown name 'a\\x00b'")
    assert _locate_refusal("/dev/null") == "/dev/null is no regular file; expected a .yaml file."
