// Owns the keyboard: which keys a page answers to, newest page part first, and never while someone types.
import { useEffect, useRef } from "react";

export type KeyMap = Record<string, (event: KeyboardEvent) => void>;

const layers: { current: KeyMap }[] = [];
let chord: { first: string; at: number } | null = null;
const CHORD_MS_MAX = 1_200;

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** "mod+k", "g r", "Escape", "?" … */
function keyName(event: KeyboardEvent): string {
  if (event.metaKey || event.ctrlKey) return `mod+${event.key.toLowerCase()}`;
  return event.key;
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const name = keyName(event);
  const typing = isTyping(event.target);
  if (typing && name !== "Escape" && !name.startsWith("mod+")) return;
  // An open dialog has the keyboard to itself.
  if (document.querySelector("dialog[open]") && !name.startsWith("mod+")) return;

  const now = Date.now();
  const names = chord && now - chord.at < CHORD_MS_MAX ? [`${chord.first} ${name}`, name] : [name];
  chord = name === "g" && !typing ? { first: "g", at: now } : null;
  // A focused button or link answers to Enter and Space by itself.
  const onControl =
    event.target instanceof HTMLElement && event.target.closest("a, button") !== null;
  if (onControl && (name === "Enter" || name === " ")) return;

  for (const wanted of names) {
    for (let at = layers.length - 1; at >= 0; at--) {
      const handler = layers[at]?.current[wanted];
      if (!handler) continue;
      event.preventDefault();
      chord = null;
      handler(event);
      return;
    }
  }
}

if (typeof window !== "undefined") window.addEventListener("keydown", onKeyDown);

/** Answers to these keys while mounted; a layer mounted later wins, and the ground layer never does. */
export function useKeys(map: KeyMap, place: "ground" | "above" = "above"): void {
  const layer = useRef(map);
  layer.current = map;
  useEffect(() => {
    // Children mount before their parents, so the frame's own keys must be put below by name.
    if (place === "ground") layers.unshift(layer);
    else layers.push(layer);
    return () => {
      layers.splice(layers.indexOf(layer), 1);
    };
  }, [place]);
}
