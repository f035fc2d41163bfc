import { mount, Page } from '../components/page.tsx';

mount(<Page name="API">{undefined}</Page>);
