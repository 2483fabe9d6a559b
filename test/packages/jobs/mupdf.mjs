// mupdf (Emscripten, C with setjmp as legacy exceptions): makes a document, reads it, draws a page,
// finds text, changes it and survives broken ones.

import { failure, noise, prose, sha256 } from "./data.mjs";

export async function load() {
  return import("mupdf");
}

const LINES = prose(60)
  .replace(/[^ -~]/g, "?")
  .match(/.{1,60}/g);

/** A document of one page with text in it and a line below. */
function makeDocument(mupdf) {
  const document = new mupdf.PDFDocument();
  const font = document.addSimpleFont(new mupdf.Font("Times-Roman"), "Latin");
  const resources = document.addObject({ Font: { F1: font } });
  const escaped = LINES.map((line) => `(${line.replace(/[\\()]/g, "\\$&")}) Tj T*`);
  const contents = `BT /F1 12 Tf 14 TL 20 380 Td ${escaped.join(" ")} ET 20 20 m 280 40 l 3 w S`;
  document.insertPage(-1, document.addPage([0, 0, 300, 400], 0, resources, contents));
  return document;
}

export function job(mupdf) {
  const made = makeDocument(mupdf);
  const saved = made.saveToBuffer("compress=yes").asUint8Array().slice();
  const document = mupdf.Document.openDocument(saved, "application/pdf");
  const page = document.loadPage(0);
  const draw = () => {
    const { Matrix, ColorSpace } = mupdf;
    const pixmap = page.toPixmap(Matrix.scale(0.7, 0.7), ColorSpace.DeviceRGB, false, true);
    return [pixmap.getWidth(), pixmap.getHeight(), sha256(pixmap.getPixels())];
  };
  const text = page.toStructuredText("preserve-whitespace");
  const before = draw();
  const note = page.createAnnotation("Highlight");
  note.setQuadPoints([[20, 20, 120, 20, 20, 34, 120, 34]]);
  note.update();
  return {
    pages: document.countPages(),
    bounds: page.getBounds(),
    text: text.asText(),
    words: sha256(text.asJSON()),
    found: page.search("memory"),
    before,
    after: draw(),
    png: sha256(page.toPixmap(mupdf.Matrix.identity, mupdf.ColorSpace.DeviceGray).asPNG()),
    errors: [
      failure(() => mupdf.Document.openDocument(noise(300), "application/pdf").countPages()),
      failure(() => document.loadPage(7)),
      failure(() => new mupdf.Font("no such font")),
      failure(() =>
        mupdf.Document.openDocument(saved.slice(0, 700), "application/pdf").loadPage(0),
      ),
    ],
  };
}
