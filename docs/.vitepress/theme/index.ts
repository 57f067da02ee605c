import type { Theme } from 'vitepress';
// Without fonts: the default theme would bring Inter as files of its own; a reader's own fonts do.
import DefaultTheme from 'vitepress/theme-without-fonts';
import MermaidDiagram from './MermaidDiagram.vue';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('MermaidDiagram', MermaidDiagram);
  },
} satisfies Theme;
