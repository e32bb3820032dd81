import { writeDocuments } from './documents.ts';

await writeDocuments();
console.log('documents written');
