"""The command that serves: what it refuses, and how a user is added."""

import json

import pytest

from workbench import ui


@pytest.mark.parametrize(("words", "told"), [
    (["--address", "0.0.0.0"], "address must be a loopback address, got '0.0.0.0'"),
    (["--address", "::"], "address must be a loopback address, got '::'"),
    (["--address", "example.org", "--auth", "basic"], "address must be a loopback address"),
    (["--auth", "basic"], "Add one: workbench serve --add-user NAME"),
    (["--auth", "oauth"], "allow and provider must be given with auth 'oauth'"),
    (["--auth", "none"], "auth must be one of 'basic', 'oauth', got 'none'"),
    (["--workers", "0"], "workers must lie between 1 and 64, got 0"),
    (["--prefix", "a b"], "prefix must be a path of letters"),
    (["--prefix", "/../x"], "prefix must be a path of letters"),
    (["--port", "99999"], "port must lie between 1 and 65535")])
def test_rejects_in_one_sentence(workbench, tmp_path, monkeypatch, words, told):
    monkeypatch.setenv("WORKBENCH_USERS", str(tmp_path / "users.json"))
    answer = workbench("serve", "--no-show", *words)
    assert answer.code == 2
    assert told in answer.err
    assert "Traceback" not in answer.err


def test_identity_of_options_and_terms(workbench, monkeypatch, tmp_path):
    told = {}
    monkeypatch.setattr(ui, "serve", lambda _, **options: told.update(options))
    assert workbench("serve", "--no-show").code == 0
    assert told["terms"] == ui.Terms()
    assert told["address"] == "127.0.0.1"
    assert workbench(
        "serve", "--address", "10.0.0.1", "--port", "80", "--auth", "oauth", "--users",
        tmp_path / "u.json", "--oauth-provider", "github", "--allow", "ada", "--allow", "eve",
        "--origin", "https://a.org", "--prefix", "/w", "--workers", "4", "--sessions", "9",
        "--allow-run", "--read-only", "--lab", "https://lab.org", "--access-log", "--no-show",
    ).code == 0
    assert told["terms"] == ui.Terms(
        "oauth", tmp_path / "u.json", "github", ("ada", "eve"), ("https://a.org",), "/w",
        allow_run=True, read_only=True, lab="https://lab.org", sessions=9, access_log=True,
        workers=4)
    assert (told["address"], told["port"], told["show"]) == ("10.0.0.1", 80, False)


def test_matches_a_user_whose_password_is_asked_for(store, tmp_path):
    from typer.testing import CliRunner

    from workbench.cli import app

    file = tmp_path / "users.json"
    words = ["serve", "--users", str(file), "--add-user", "ada"]
    done = CliRunner().invoke(app, words, input="correct horse\ncorrect horse\n")
    assert done.exit_code == 0, done.output
    assert "correct horse" not in done.output
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(json.loads(file.read_text())) == ["ada"]
    assert CliRunner().invoke(app, words, input="short\nshort\n").exit_code == 2
    assert CliRunner().invoke(app, words, input="one password\nanother\n").exit_code == 1
