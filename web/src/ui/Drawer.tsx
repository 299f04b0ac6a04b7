// Owns the detail pane: beside the list on a desk, the whole page on a phone; Escape closes it.
import type { ReactNode } from "react";
import { useKeys } from "../keys/useKeys";
import { Icon } from "./icons";

export function Drawer({
  title,
  name,
  actions,
  close,
  children,
}: {
  title: ReactNode;
  name: string;
  actions?: ReactNode;
  close: () => void;
  children: ReactNode;
}) {
  useKeys({ Escape: close });
  return (
    <aside className="drawer" aria-label={name}>
      <header className="drawer-head">
        <button type="button" className="icon-button phone-only" aria-label="Back" onClick={close}>
          <Icon name="back" />
        </button>
        <div className="drawer-title">{title}</div>
        {actions}
        <button
          type="button"
          className="icon-button phone-hide"
          aria-label="Close"
          title="Close (Esc)"
          onClick={close}
        >
          <Icon name="close" size={16} />
        </button>
      </header>
      <div className="drawer-body">{children}</div>
    </aside>
  );
}

export function Facts({ children }: { children: ReactNode }) {
  return <dl className="facts">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
