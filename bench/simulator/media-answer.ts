/** Answers of models that draw or speak: a picture of one pixel, a tenth of a second of silence. */
import type { GenerationConfig, Part } from './gemini-request.ts';
import type { Model } from './model-catalogue.ts';

const onePixelPng = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const sampleRate = 24_000;
const pcm = Buffer.alloc((sampleRate / 10) * 2);

/** The events of such an answer; null when the model answers in text. */
export function mediaAnswer(model: Model, config: GenerationConfig, said: string): Part[][] | null {
  if (model.kind === 'image') return imageEvents(config);
  if (model.kind === 'speech') return speechEvents(model, config);
  if (model.kind === 'transcription')
    return config.audioTranscriptionConfig === undefined
      ? []
      : [[{ text: `A simulated transcript. ${said}`.trimEnd() }]];
  return null;
}

function imageEvents({ responseModalities = ['TEXT', 'IMAGE'] }: GenerationConfig): Part[][] {
  const picture: Part = { inlineData: { mimeType: 'image/png', data: onePixelPng } };
  return responseModalities.includes('TEXT') ? [[{ text: 'Here is a simulated picture. ' }], [picture]] : [[picture]];
}

function speechEvents({ generation }: Model, { responseFormat }: GenerationConfig): Part[][] {
  const wanted = responseFormat?.audio?.mimeType ?? (generation >= 3.8 ? 'AUDIO_WAV' : 'AUDIO_L16');
  if (wanted === 'AUDIO_WAV') {
    const data = Buffer.concat([wavHeader(pcm.length), pcm]).toString('base64');
    return [[{ inlineData: { mimeType: 'audio/wav', data } }]];
  }
  // Two halves, so that whoever streams has something to join.
  const half = pcm.length / 2;
  const mimeType = `audio/L16;codec=pcm;rate=${sampleRate}`;
  return [pcm.subarray(0, half), pcm.subarray(half)].map((piece): Part[] => [
    { inlineData: { mimeType, data: piece.toString('base64') } },
  ]);
}

function wavHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
