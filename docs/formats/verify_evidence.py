#!/usr/bin/env python3
"""Checks Annals evidence files without Annals, server or network; written from evidence.md beside it.

    python3 verify_evidence.py FILE...      (needs the package `cryptography`)

Prints a line for each file. Ends with 0 if all hold, 1 if one is wrong, else 2: one cannot be read, or none was named.
"""
import base64, contextlib, hashlib, json, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
class Fault(Exception): "The first thing that is wrong."
# Also what Python itself raises where a value is not of the form that it must be.
FAULTS = (Fault, InvalidSignature, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
MISSING = " events of the run's own stream before it are missing"
FORMS = "header prev commitment encoding salt body", "header prev commitment encoding withheld", "event_hash withheld"
P = 2**255 - 19  # the curve's field, its constant d, and the y of two points of order 8
D, Y8 = -121665 * pow(121666, -1, P), 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
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
def is_sound(point):  # on the curve, and not of order 1, 2, 4 or 8
    y = int.from_bytes(point, "little") % 2**255 % P
    is_on_curve = pow((y * y - 1) * (D * y * y + 1), (P - 1) // 2, P) in (0, 1)
    return is_on_curve and y not in (0, 1, P - 1, Y8, P - Y8)
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
        need(self.kind in (1, 4) and len(self.public) == 32 and is_sound(self.public), "a key is none, or a weak one")
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
        need(is_sound(signature[:32]), "a signature has no point of the curve, or a weak one")
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message.encode())

def read(text):  # steps 1 and 5, and the keys
    file = json.loads(text, object_pairs_hook=once)
    need(file["format"] == "annals-evidence/1", "another format")
    exactly(file, "format summary log checkpoint witness_keys run events event_count")
    exactly(file["log"], "log_id lineage origin key rotations")
    exactly(file["run"], "workspace_id run_id")
    log, run, keys, _ = file["log"], file["run"], file["witness_keys"], number(file["event_count"])
    kinds = {list: (file["events"], keys, log["lineage"], log["rotations"]), dict: [file["summary"]],
             str: (file["checkpoint"], log["origin"], *run.values(), *log["rotations"])}
    need(all(type(value) is kind for kind in kinds for value in kinds[kind]), "a member is of another kind")
    log["key"], file["witness_keys"] = Key(log["key"]), [Key(key) for key in keys]
    need(len(set(keys)) == len(keys), "a witness twice")
    for ancestor in log["lineage"]:
        exactly(ancestor, "log_id last_position")
    owners = [(number(one["last_position"]), uuid(one["log_id"])) for one in log["lineage"]]
    need(all(one[0] < next_one[0] for one, next_one in zip(owners, owners[1:])), "the lineage does not rise")
    file["owners"] = owners + [(1 << 64, uuid(log["log_id"]))]
    return file

def check_signatures(file):  # steps 2 to 4; gives the checkpoint's size and root
    note, origin, key = Note(file["checkpoint"]), file["log"]["origin"], file["log"]["key"]
    lines = note.body[:-1].split("\n")
    size, root = decimal(lines[1]), unbase64(lines[2])
    need(lines[0] == origin == key.name and all(lines) and len(root) == 32, "the checkpoint is of another log")
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

def read_form(event):  # whether it is a hash only, and its position
    form = [set(names.split()) for names in FORMS].index(set(event) - {"position", "proof"})
    need(event.get("withheld") in [[None], ["redacted", "chosen"], ["chosen"]][form], "it withholds otherwise")
    need(type(event["proof"]) is list, "its proof is no list")
    return form == 2, number(event["position"])
def check_event(event, after, file, size, root, streams, hashes):  # step 6
    is_hash, position = read_form(event)
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
    between = [known for at, known in hashes if missing and at > last_position]
    need(stream != own or missing == 0 or prev in between and missing <= len(between), f"{missing}{MISSING}")
    streams[stream] = seq, event_hash, position

def verify(path):  # gives 0, 1 or 2 and a sentence
    try:
        file = read(open(path, encoding="utf-8", newline="").read())
    except (OSError, *FAULTS) as fault:
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
        with contextlib.suppress(StopIteration, *FAULTS):  # what is missing may stand elsewhere
            order = [0, *(read_form(event)[1] for event in file["events"] if MISSING in str(fault))]
            at, fault = next(i for i in range(1, len(order)) if order[i] <= order[i - 1]), "it is out of order"
        return 1, (f"event {at} of the file: " if at else "") + (str(fault) or "a signature does not fit its text")
    return 0, (f"{len(file['events'])} events, {len(hashes)} of them as a hash only, are in the tree of {size} events "
               f"signed by {file['log']['key'].text}. Whether that is the log's key is not checked here.")

if __name__ == "__main__":
    verdicts = [verify(path) for path in sys.argv[1:]]
    for path, (code, sentence) in zip(sys.argv[1:], verdicts):
        print(["holds", "WRONG", "unclear"][code], path, sentence, sep="  ")
    print(end="" if verdicts else __doc__, file=sys.stderr)
    sys.exit(min((code for code, _ in verdicts), key=(1, 2, 0).index, default=2))
