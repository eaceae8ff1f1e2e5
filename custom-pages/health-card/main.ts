import { createApp } from 'vue'
import '@fontsource-variable/inter/wght.css'
import '../shared/tokens.css'
import '../shared/base.css'
import './card.css'
import App from './App.vue'

createApp(App).mount('#app')
