// @imagemagick/magick-wasm (Emscripten, C++, a module of 15 MB): makes an image from bytes, filters it,
// draws on it, writes and reads it in several formats.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { failure, noise, sha256 } from "./data.mjs";

export async function load() {
  const magick = await import("@imagemagick/magick-wasm");
  const path = createRequire(import.meta.url).resolve("@imagemagick/magick-wasm/magick.wasm");
  await magick.initializeImageMagick(readFileSync(path));
  return magick;
}

const WIDTH = 48;
const HEIGHT = 32;

export function job(magick) {
  const { ImageMagick, Magick, MagickFormat, MagickReadSettings, Percentage } = magick;
  const { DrawableFillColor, DrawableLine, DrawableRoundRectangle, DrawableStrokeColor } = magick;
  const settings = new MagickReadSettings({ format: MagickFormat.Rgb, depth: 8 });
  settings.width = WIDTH;
  settings.height = HEIGHT;
  const pixels = noise(3 * WIDTH * HEIGHT);
  const look = (image) => ({
    size: [image.width, image.height, image.depth, image.colorSpace],
    pixels: image.getPixels((area) =>
      sha256(area.toByteArray(0, 0, image.width, image.height, "RGB")),
    ),
  });
  const edit = (change) =>
    ImageMagick.read(pixels, settings, (image) => {
      change(image);
      return look(image);
    });
  const black = new magick.MagickColor("black");
  const edits = {
    blur: edit((image) => image.blur(2, 1.5)),
    resize: edit((image) => image.resize(31, 17)),
    rotate: edit((image) => image.rotate(30)),
    sharpen: edit((image) => image.sharpen(0, 1)),
    grey: edit((image) => image.grayscale()),
    bright: edit((image) => image.brightnessContrast(new Percentage(20), new Percentage(-10))),
    draw: edit((image) =>
      image.draw([
        new DrawableFillColor(new magick.MagickColor("#3080f0")),
        new DrawableStrokeColor(black),
        new DrawableRoundRectangle(5, 4, 40, 28, 9, 7),
        new DrawableLine(0, 0, 47, 31),
      ]),
    ),
  };
  const formats = ["Png", "Jpeg", "Gif", "WebP", "Bmp", "Tiff"].map((name) => {
    const written = ImageMagick.read(pixels, settings, (image) => {
      image.strip();
      return image.write(MagickFormat[name], (bytes) => Uint8Array.from(bytes));
    });
    const back = ImageMagick.read(written, look);
    return [name, written.length, back];
  });
  const refused = failure(() => ImageMagick.read(noise(100), () => {}));
  return { version: Magick.imageMagickVersion, edits, formats, refused };
}
