"""The picture of the hello image: a shoal of fish as a PNG of exactly 83,052 bytes, drawn here and nowhere compressed."""
import struct
import zlib

SIZE = 83052
WIDTH, HEIGHT = 286, 287
WATER, FISH = 16, 8  # colours of each

# x, y, length: each fish swims to the right, and no two are drawn the same way.
SHOAL = [(60 + 97 * i % 190, 30 + 61 * i % 230, 18 + 7 * i % 22) for i in range(23)]


def palette():
    water = [(10 + 2 * i, 60 + 6 * i, 110 + 8 * i) for i in range(WATER)]
    fish = [(250 - 12 * i, 190 - 14 * i, 60 + 4 * i) for i in range(FISH)]
    return bytes(part for colour in reversed(water) for part in colour) + bytes(part for colour in fish for part in colour)


def is_fish(x, y, fish):
    """An ellipse for the body, behind it a triangle that opens to the left for the tail."""
    left, top, length = fish
    dx, dy = x - left, y - top
    body = dx * dx + 6 * dy * dy <= length * length // 3
    tail = -length <= dx <= -length // 2 and 2 * abs(dy) <= -dx - length // 3
    return body or tail


def pixel(x, y):
    for number, fish in enumerate(SHOAL):
        if is_fish(x, y, fish):
            return WATER + number % FISH
    return min(WATER - 1, (y + (x // 9 + y // 5) % 3 * 4) * WATER // HEIGHT)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def stored(data):
    """A zlib stream of stored blocks: the same bytes whatever version of zlib is there."""
    blocks = [data[i:i + 65535] for i in range(0, len(data), 65535)]
    out = b"\x78\x01"
    for i, block in enumerate(blocks):
        out += struct.pack("<BHH", i == len(blocks) - 1, len(block), len(block) ^ 0xffff) + block
    return out + struct.pack(">I", zlib.adler32(data))


def draw():
    rows = b"".join(b"\0" + bytes(pixel(x, y) for x in range(WIDTH)) for y in range(HEIGHT))
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0))
    head += chunk(b"PLTE", palette())
    body = chunk(b"IDAT", stored(rows)) + chunk(b"IEND", b"")
    comment = b"Comment\0"
    padding = SIZE - len(head) - len(body) - len(chunk(b"tEXt", comment))
    return head + chunk(b"tEXt", comment + b"~" * padding) + body
