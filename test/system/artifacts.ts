/** Firmware and software images, uploaded as an operator does. */
import assert from 'node:assert/strict';
import type { World } from './world.ts';

export interface UploadedImage {
  id: string;
  /** Where devices fetch it by HTTP. */
  url: string;
  sha256: string;
}

export async function uploadImage({ gateway }: World, image: Buffer, name = 'image.img'): Promise<UploadedImage> {
  const response = await fetch(`${gateway.urls.admin!.replace(/\/$/, '')}/artifacts?name=${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: new Uint8Array(image),
  });
  assert.equal(response.status, 201);
  return (await response.json()) as UploadedImage;
}
