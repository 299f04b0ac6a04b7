// Owns the commands that the pages offer to copy: they name this server whenever the CLI would look elsewhere.

const DEFAULT_ORIGINS = ["http://127.0.0.1:7171", "http://localhost:7171"];

export function annalsCommand(words: string, origin = location.origin): string {
  return DEFAULT_ORIGINS.includes(origin) ? `annals ${words}` : `annals ${words} --url ${origin}`;
}
