// Owns the list that holds only what it shows: fixed row heights, a cursor, loading further at the end.
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, type RefObject, useEffect, useImperativeHandle, useRef } from "react";

export interface ListHandle {
  show(index: number): void;
  toTop(): void;
}

export interface VirtualListProps {
  name: string;
  count: number;
  rowHeight: number;
  keyOf(index: number): string;
  row(index: number): ReactNode;
  active?: number;
  handle?: RefObject<ListHandle | null>;
  onNearEnd?: (() => void) | undefined;
  onTopChange?: (atTop: boolean) => void;
  onRange?: (first: number, last: number) => void;
  header?: ReactNode;
  footer?: ReactNode;
}

export function VirtualList(props: VirtualListProps) {
  const { count, rowHeight, keyOf, handle, onNearEnd, onRange, onTopChange } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: keyOf,
    overscan: 12,
  });
  useImperativeHandle(handle, () => ({
    show: (index) => virtual.scrollToIndex(index, { align: "auto" }),
    toTop: () => scroller.current?.scrollTo({ top: 0 }),
  }));

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new row height must be measured again.
  useEffect(() => virtual.measure(), [rowHeight]);

  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => {
    onRange?.(first, last);
    if (count > 0 && last >= count - 20) onNearEnd?.();
  }, [first, last, count, onNearEnd, onRange]);

  return (
    <div
      ref={scroller}
      className="scroll list"
      onScroll={(event) => onTopChange?.(event.currentTarget.scrollTop < 8)}
    >
      {props.header}
      <ul aria-label={props.name} className="list-rows" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => (
          <li
            key={item.key}
            className="list-row"
            data-index={item.index}
            data-active={item.index === props.active}
            style={{ height: item.size, transform: `translateY(${item.start}px)` }}
          >
            {props.row(item.index)}
          </li>
        ))}
      </ul>
      {props.footer}
    </div>
  );
}
