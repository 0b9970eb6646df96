"""The fault command finds the exchange of the local cloud, whatever its ports are."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from simexchange.fault_command import exchange_url
from simexchange.main import main


class Exchange(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_GET(self):
        body = json.dumps([{"asked": self.path}]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def exchange_port():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def write(folder, text):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(text)


@pytest.mark.parametrize(
    ("config", "port"),
    [
        ("{}", 18090),
        ('{"port_offset": 100, "ports": {}}', 18190),
        ('{"port_offset": 100, "ports": {"postgres": 15000}}', 18190),
        ('{"port_offset": 100, "ports": {"exchange": 9000}}', 9000),
        ("{", 18090),
        ("[]", 18090),
        ('{"port_offset": "many"}', 18090),
    ],
)
def test_the_ports_of_the_checkout_are_found_from_a_folder_inside_it(tmp_path, config, port):
    write(tmp_path / ".volex", config)
    inside = tmp_path / "docs" / "adr"
    inside.mkdir(parents=True)
    assert exchange_url({}, inside) == f"http://127.0.0.1:{port}"


def test_another_home_of_the_local_cloud_comes_first(tmp_path):
    write(tmp_path / ".volex", '{"port_offset": 100}')
    write(tmp_path / "other", '{"port_offset": 200}')
    assert exchange_url({"VOLEX_HOME": str(tmp_path / "other")}, tmp_path) == "http://127.0.0.1:18290"


def test_a_command_without_an_address_asks_the_local_clouds_exchange(tmp_path, monkeypatch, capsys, exchange_port):
    write(tmp_path / "home", json.dumps({"ports": {"exchange": exchange_port}}))
    monkeypatch.setenv("VOLEX_HOME", str(tmp_path / "home"))
    assert main(["faults", "list"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"asked": "/admin/faults"}]


def test_an_exchange_that_is_away_is_named_by_its_address(tmp_path, monkeypatch, capsys, exchange_port):
    monkeypatch.setenv("VOLEX_HOME", str(tmp_path))
    (tmp_path / "config.json").write_text('{"ports": {"exchange": 1}}')
    assert main(["faults", "list"]) == 2
    assert "http://127.0.0.1:1 does not answer" in capsys.readouterr().err
    assert main(["faults", "list", "--url", f"http://127.0.0.1:{exchange_port}"]) == 0
