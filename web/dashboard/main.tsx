import { mount, Page } from '../components/page.tsx';

mount(<Page name="Dashboard">{undefined}</Page>);
