#!/usr/bin/env python3
"""Checks Annals evidence files without Annals, server or network; written from evidence.md beside it.

    python3 verify_evidence.py FILE...      (needs the package `cryptography`)

Prints a line for each file and ends with 0 if all hold, 1 if one is wrong, 2 if one cannot be read.
"""
import base64
import hashlib
import json
import re
import sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

class Fault(Exception):
    """The first thing that is wrong."""

# Also what Python itself raises where a value is not of the form that it must be.
FAULTS = (Fault, InvalidSignature, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
MISSING = " events of the run's own stream before it are missing"
# How single values are read.
def need(condition, fault):
    if not condition:
        raise Fault(fault)
def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()
def unbase64(text):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, "base64 is spelled otherwise")
    return data
def unhex(text):
    need(re.fullmatch("[0-9a-f]{64}", text), "not 64 lower-case hex digits")
    return bytes.fromhex(text)
def number(value):
    need(type(value) is int and 0 <= value < 1 << 64, "not a whole number")
    return value
def decimal(text):
    need(str(number(int(text))) == text, "not a number in decimal")
    return int(text)
def uuid(text):
    need(re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text), "not a UUID")
    return bytes.fromhex(text.replace("-", ""))
def exactly(value, names):
    need(type(value) is dict and set(value) == set(names.split()), f"not an object of {names}")
def once(pairs):  # a member given twice becomes one that no object may have
    return dict(pairs) if len(dict(pairs)) == len(pairs) else {"a member given twice": pairs, **dict(pairs)}
def is_name(name):
    return name and not any(c.isspace() or c == "+" or ord(c) < 32 or 127 <= ord(c) < 160 for c in name)

class Key:
    def __init__(self, text):
        self.text, (self.name, key_id, key) = text, text.split("+", 2)
        self.kind, self.public = unbase64(key)[0], unbase64(key)[1:]
        self.id = sha256(self.name.encode(), b"\n", unbase64(key))[:4]
        need(self.kind in (1, 4) and len(self.public) == 32, "a key is of no known type")
        need(is_name(self.name) and self.id.hex() == key_id, "a key's name or id is wrong")

class Note:
    def __init__(self, text):
        body, gap, lines = text.rpartition("\n\n")
        need(gap and lines[-1] == "\n" and not re.search("[\x00-\x09\x0b-\x1f]", text), "a note is none")
        self.body, self.signatures = body + "\n", {}
        for line in lines[:-1].split("\n"):
            dash, name, data = line.split(" ")[:2] + [unbase64(line.split(" ", 2)[2])]
            need(dash == "—" and is_name(name) and len(data) > 4, "a signature line is none")
            need((name, data[:4]) not in self.signatures, "a key has two signatures")
            self.signatures[name, data[:4]] = data[4:]

    def check(self, key, kind):
        need(key.kind == kind, f"{key.name} is not a key for this")
        need((key.name, key.id) in self.signatures, f"there is no signature by the key {key.name}")
        signature, message = self.signatures[key.name, key.id], self.body
        if kind == 4:
            time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            need(time < 1 << 63, "a cosignature's time is out of bounds")
            message = f"cosignature/v1\ntime {time}\n{message}"
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message.encode())

def read(text):  # steps 1 and 5, and the keys
    file = json.loads(text, object_pairs_hook=once)
    need(file["format"] == "annals-evidence/1", "another format")
    exactly(file, "format summary log checkpoint witness_keys run events event_count")
    exactly(file["log"], "log_id lineage origin key rotations")
    exactly(file["run"], "workspace_id run_id")
    lists = file["events"], file["witness_keys"], file["log"]["lineage"], file["log"]["rotations"]
    is_right = all(type(value) is list for value in lists) and type(file["summary"]) is dict
    need(is_right and number(file["event_count"]) >= 0, "a member is of another kind")
    file["log"]["key"], file["witness_keys"] = Key(file["log"]["key"]), [Key(k) for k in file["witness_keys"]]
    need(len({key.text for key in file["witness_keys"]}) == len(file["witness_keys"]), "a witness twice")
    file["owners"] = [(-1, None)]  # the last position of each log, and its id
    for ancestor in file["log"]["lineage"]:
        exactly(ancestor, "log_id last_position")
        need(number(ancestor["last_position"]) > file["owners"][-1][0], "the lineage does not rise")
        file["owners"].append((ancestor["last_position"], uuid(ancestor["log_id"])))
    file["owners"].append((1 << 64, uuid(file["log"]["log_id"])))
    return file

def check_signatures(file):  # steps 2 to 4; gives the checkpoint's size and root
    note, origin, key = Note(file["checkpoint"]), file["log"]["origin"], file["log"]["key"]
    lines = note.body[:-1].split("\n")
    need(lines[0] == origin == key.name and all(lines), "the checkpoint or the key is of another log")
    size, root = decimal(lines[1]), unbase64(lines[2])
    note.check(key, 1)
    bound = size
    for rotation in map(Note, file["log"]["rotations"]):
        title, rotated, at, old, new = rotation.body[:-1].split("\n")
        need(title == "annals/key-rotation/1" and rotated == origin, "a rotation is none of this log")
        need(new == key.text and Key(old).name == origin, "a rotation does not lead to the next key")
        need(decimal(at) <= bound, "a rotation is younger than what was signed after it")
        rotation.check(key, 1)
        key, bound = Key(old), decimal(at)
        rotation.check(key, 1)
    for witness in file["witness_keys"]:
        note.check(witness, 4)
    return size, root

def read_header(data):
    need(data[:2] == b"\x01\x01" and len(data) > 42, "its header is damaged or of another format")
    fields, at, end = [None], 18, len(data) - 24
    for _ in range(25):
        length = shift = 0
        while shift == 0 or byte > 0x7F:
            need(at < end and shift < 28, "its header is damaged")
            byte, at = data[at], at + 1
            length, shift = length | (byte & 0x7F) << shift, shift + 7
        need(byte or shift == 7, "its header is damaged")
        fields.append(data[at : at + length - 1].decode("utf-8", "replace") if length else None)
        at += max(length - 1, 0)
    need(at == end, "its header is damaged")
    position, seq = (int.from_bytes(data[i : i + 8], "little") for i in (end, end + 8))
    return data[2:18], fields[5], fields[9], (fields[15], fields[16]), position, seq

def check_inclusion(event_hash, position, size, root, proof):
    fn, sn, r = position - 1, size - 1, sha256(b"\0", event_hash)
    for p in map(unhex, proof):
        need(sn, "its proof is too long")
        right = fn & 1 or fn == sn
        r = sha256(b"\1", p, r) if right else sha256(b"\1", r, p)
        while right and fn and not fn & 1:
            fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0 and r == root, "its bytes and its proof do not lead to the signed root")

def check_event(event, after, file, size, root, streams, hashes):  # step 6
    is_hash, withheld, position = "event_hash" in event, event.get("withheld", "nothing"), number(event["position"])
    rest = "event_hash withheld" if is_hash else "header prev commitment encoding "
    exactly(event, "position proof " + rest + ("" if is_hash else "withheld" if "withheld" in event else "salt body"))
    need(withheld == "chosen" or not is_hash and withheld in ("redacted", "nothing"), "it withholds otherwise")
    need(after < position, "it is out of order")
    need(position <= size, "the checkpoint does not cover it")
    if is_hash:
        hashes.append((position, unhex(event["event_hash"])))
        return check_inclusion(hashes[-1][1], position, size, root, event["proof"])
    header, prev, commitment = unbase64(event["header"]), unhex(event["prev"]), unhex(event["commitment"])
    log_id, workspace_id, run_id, stream, found, seq = read_header(header)
    own = ("run", file["run"]["run_id"])
    need(number(event["encoding"]) == 0 and found == position, "its header is of another position")
    need(log_id == next(i for last, i in file["owners"] if position <= last), "its header is of another log")
    need(workspace_id == file["run"]["workspace_id"], "it is of another workspace")
    need(run_id == own[1] or stream == own, "it is of another run")
    if "salt" in event:
        salt, body = unbase64(event["salt"]), unbase64(event["body"])
        need(len(salt) == 32 and sha256(b"annals/body/1", salt, body) == commitment, "its body was edited")
    event_hash = sha256(b"annals/event/1", len(header).to_bytes(4, "little"), header, commitment, prev)
    check_inclusion(event_hash, position, size, root, event["proof"])
    last_seq, last_hash, last_position = streams.get(stream, (0, bytes(32), 0))
    missing = seq - last_seq - 1
    need(missing > 0 or missing == 0 and prev == last_hash, "it does not follow the event before it in its stream")
    gap = missing if stream == own else 0
    between = [known for at, known in hashes if gap and at > last_position]
    need(not gap or prev in between and gap <= len(between), f"{gap}{MISSING}")
    streams[stream] = seq, event_hash, position

def verify(text):  # gives 0, 1 or 2 and a sentence
    try:
        file = read(text)
    except FAULTS as fault:
        return 2, f"it cannot be read: {fault}"
    at, after, streams, hashes = 0, 0, {}, []
    try:
        size, root = check_signatures(file)
        for at, event in enumerate(file["events"], 1):
            check_event(event, after, file, size, root, streams, hashes)
            after = event["position"]
        at = 0
        need(file["event_count"] == len(file["events"]), "it has another number of events than it says")
    except FAULTS as fault:
        positions = [0] + [event["position"] for event in file["events"]] if MISSING in str(fault) else []
        disorder = [(i, "it is out of order") for i in range(1, len(positions)) if positions[i] <= positions[i - 1]]
        at, fault = (disorder + [(at, fault)])[0]
        return 1, (f"event {at} of the file: " if at else "") + (str(fault) or "a signature does not fit its text")
    return 0, (f"{len(file['events'])} events, {len(hashes)} of them as a hash only, are in the tree of {size} events "
               f"signed by {file['log']['key'].text}. Whether that is the log's key is not checked here.")

if __name__ == "__main__":
    verdicts = [verify(open(path, encoding="utf-8", newline="").read()) for path in sys.argv[1:]]
    for path, (code, sentence) in zip(sys.argv[1:], verdicts):
        print(["holds", "WRONG", "unclear"][code], path, sentence, sep="  ")
    sys.exit(max(code for code, _ in verdicts))
