import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useRef, useState } from "react";
import type { Rect } from "./geometry";
import type { Camera } from "./url";

const margin = 28;

/** Panning and zooming: drag, wheel, pinch (as ctrl-wheel), arrow keys, `+`, `-` and `0`. Without a camera all fits. */
export function useCamera(bounds: Rect, camera: Camera | null, onCamera: (camera: Camera) => void) {
  const ref = useRef<SVGSVGElement>(null);
  const [view, setView] = useState({ w: 1200, h: 800 });
  const [moving, setMoving] = useState<Camera | null>(null);
  const settle = useRef<ReturnType<typeof setTimeout> | null>(null);
  const drag = useRef<{ x: number; y: number; from: Camera; moved: boolean } | null>(null);
  const current = moving ?? camera ?? fitted(bounds, view);

  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setView({ w: element.clientWidth, h: element.clientHeight }));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);

  const go = useCallback(
    (next: Camera) => {
      setMoving(next);
      if (settle.current) clearTimeout(settle.current);
      settle.current = setTimeout(() => {
        onCamera(next);
        setMoving(null);
      }, 250);
    },
    [onCamera],
  );
  const latest = useRef({ current, go });
  latest.current = { current, go };

  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const { current, go } = latest.current;
      const box = element.getBoundingClientRect();
      if (event.ctrlKey || !event.shiftKey) {
        go(zoomed(current, Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top));
      } else go({ ...current, x: current.x - event.deltaY, y: current.y });
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, []);

  const onPointerDown = (event: PointerEvent<SVGSVGElement>) => {
    if (event.button === 0) drag.current = { x: event.clientX, y: event.clientY, from: current, moved: false };
  };
  const onPointerMove = (event: PointerEvent<SVGSVGElement>) => {
    const d = drag.current;
    if (!d || event.buttons === 0) return;
    const [dx, dy] = [event.clientX - d.x, event.clientY - d.y];
    if (!d.moved && Math.hypot(dx, dy) < 4) return;
    if (!d.moved) event.currentTarget.setPointerCapture(event.pointerId);
    d.moved = true;
    go({ ...d.from, x: d.from.x + dx, y: d.from.y + dy });
  };
  const onPointerUp = () => {
    drag.current = null;
  };
  const onKeyDown = (event: KeyboardEvent<SVGSVGElement>) => {
    const step = 60;
    const moves: Record<string, Camera> = {
      ArrowLeft: { ...current, x: current.x + step },
      ArrowRight: { ...current, x: current.x - step },
      ArrowUp: { ...current, y: current.y + step },
      ArrowDown: { ...current, y: current.y - step },
      "+": zoomed(current, 1.2, view.w / 2, view.h / 2),
      "-": zoomed(current, 1 / 1.2, view.w / 2, view.h / 2),
      "0": fitted(bounds, view),
    };
    const next = moves[event.key];
    if (next && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      go(next);
    }
  };
  return {
    ref,
    zoom: current.k,
    transform: `translate(${current.x} ${current.y}) scale(${current.k})`,
    handlers: { onPointerDown, onPointerMove, onPointerUp, onKeyDown },
  };
}

function fitted(bounds: Rect, view: { w: number; h: number }): Camera {
  const k = Math.min(1.25, (view.w - 2 * margin) / bounds.w, (view.h - 2 * margin - 44) / bounds.h);
  return {
    x: (view.w - bounds.w * k) / 2 - bounds.x * k,
    y: margin + Math.max(0, (view.h - 2 * margin - 44 - bounds.h * k) / 2) - bounds.y * k,
    k,
  };
}

function zoomed(camera: Camera, by: number, x: number, y: number): Camera {
  const k = Math.min(3, Math.max(0.1, camera.k * by));
  const ratio = k / camera.k;
  return { k, x: x - (x - camera.x) * ratio, y: y - (y - camera.y) * ratio };
}
