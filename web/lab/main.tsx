import { mount } from '../components/page.tsx';
import { LabPage } from './lab-page.tsx';
import { LabStore } from './lab-store.ts';

const store = new LabStore(() => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }));
mount(<LabPage store={store} />);
