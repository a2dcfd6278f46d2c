"""Addresses that would lead a fetcher where it must not go: private numbers in every spelling, names for them, and URLs that read
differently to different programs. `resolve` answers as the system would, `PUBLIC` are the only addresses that may be met."""

import ipaddress
import socket

PUBLIC = {"93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"}
NUMBERS = (
    *("127.0.0.1", "127.8.9.10", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "0.0.0.0", "0.1.2.3", "100.64.0.1"),
    *("169.254.169.254", "169.254.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "192.88.99.1", "192.0.2.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
)
SIXES = (
    *("::1", "::", "::2", "fe80::1", "fe80::1%25eth0", "fc00::1", "fd00:ec2::254", "fd12:3456::1", "ff02::1", "ff05::2"),
    *("fec0::1", "2001:db8::1", "2001::1", "2001:10::1", "2001:20::1", "100::1", "3fff::1", "64:ff9b::1", "5f00::1"),
)
NAMES = {
    "public.example": sorted(PUBLIC),
    "localhost": ["127.0.0.1", "::1"],
    "metadata.google.internal": ["169.254.169.254"],
    "first-public.example": ["93.184.216.34", "127.0.0.1"],
    "last-public.example": ["10.0.0.1", "93.184.216.34"],
    "six-inside.example": ["2606:2800:220:1:248:1893:25c8:1946", "::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "zone.example": ["fe80::1%eth0"],
    "nothing.example": [],
}
LOCAL = "127.0.0.1"
WRITTEN = (
    *(f"http://public.example@{LOCAL}/", f"http://public.example:80@{LOCAL}/", f"http://{LOCAL}#@public.example/"),
    *(f"http://{LOCAL}?@public.example/", f"http://{LOCAL}\\@public.example/", f"http://public.example\\@{LOCAL}/"),
    *(f"http://a:b@{LOCAL}:80/", f"http://{LOCAL}:80/", f"http://{LOCAL}:443/", f"https://{LOCAL}:80/", f"http://{LOCAL}:/"),
    *(
        f"http:/{LOCAL}/",
        f"http:{LOCAL}/",
        f"http:///{LOCAL}/",
        f"//{LOCAL}/",
        f"////{LOCAL}/",
        f"\\\\{LOCAL}\\",
        f"HTTP://{LOCAL}/",
    ),
    *(
        f" http://{LOCAL}/",
        f"http://{LOCAL} /",
        f"http://\t{LOCAL}/",
        f"http://{LOCAL}\r\nHost: public.example/",
        f"http://{LOCAL}%00.public.example/",
    ),
    *("http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://metadata.google.internal/computeMetadata/v1/"),
    *("http://first-public.example/", "http://last-public.example/", "http://six-inside.example/", "http://mapped.example/"),
    *(
        "http://zone.example/",
        "http://nothing.example/",
        "http://unknown.example/",
        "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
        "http://１２７.０.０.１/",
        "http://127。0。0。1/",
    ),
    *(
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1:6379/_INFO",
        "dict://127.0.0.1:11211/",
    ),
    *(
        "ldap://127.0.0.1/",
        "tftp://127.0.0.1/",
        "jar:http://127.0.0.1!/",
        "data:text/html,hello",
        "javascript:alert(1)",
        "unix:/var/run/docker.sock",
    ),
    *(
        "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
        "ws://127.0.0.1/",
        "sftp://127.0.0.1/",
        "netdoc:///etc/passwd",
        "about:blank",
        "http://",
        "http:",
        "",
        "/",
    ),
    *(
        f"http://public.example:{port}/"
        for port in (0, 1, 21, 22, 25, 53, 2375, 4222, 5432, 6379, 8080, 9200, 11211, 65535, 65536, -80)
    ),
    *(
        "http://[::1",
        "http://::1/",
        "http://[127.0.0.1]/",
        "http://[::ffff:127.0.0.1%25lo]/",
        "http://[v1.fe80::a]/",
        "http://[]/",
    ),
    *("http://0/", "http://127.1/", "http://0x7f.1/", "http://017700000001/", "http://127.0.0.1.nip.example/"),
)
NAMES["127.0.0.1.nip.example"] = ["127.0.0.1"]


def spelt(number):
    """A number in every spelling that some program takes for it, and the IPv6 forms that carry it."""
    four = ipaddress.IPv4Address(number)
    a, b, c, d = four.packed
    pair = f"{a:02x}{b:02x}:{c:02x}{d:02x}"
    turned = ":".join(f"{part ^ 0xFFFF:x}" for part in (a << 8 | b, c << 8 | d))
    name = f"n{int(four)}.example"
    NAMES[name] = [number]
    plain = (
        number,
        str(int(four)),
        hex(int(four)),
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        f"{a}.{b}.{c << 8 | d}",
    )
    sixes = (f"::ffff:{number}", f"::ffff:{pair}", f"::{pair}", f"2002:{pair}::1", f"64:ff9b::{pair}", f"64:ff9b:1::{pair}")
    inside = (f"2001:0:1:2:3:4:{turned}", f"fe80::5efe:{pair}")
    return [f"http://{host}/" for host in (*plain, name, *(f"[{six}]" for six in (*sixes, *inside)))]


URLS = list(
    dict.fromkeys([url for number in NUMBERS for url in spelt(number)] + [f"http://[{six}]/" for six in SIXES] + [*WRITTEN])
)


async def resolve(host, port):
    """As getaddrinfo does: numbers in old spellings are numbers; names are looked up in the table."""
    host = host.rstrip(".").lower()
    try:
        return [socket.inet_ntoa(socket.inet_aton(host))]
    except OSError:
        pass
    try:
        socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
        return [host]
    except OSError:
        pass
    if host not in NAMES:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return NAMES[host]
