// Draws plotly figures in JupyterLab 4 and Notebook 7. Written by hand as the module-federation container that Lab loads
// (init(shareScope), get(name)), so that there is nothing to build: the folder is the extension. plotly.min.js lies
// beside this file; it is loaded once a page, with the first figure. The renderer is safe: it runs no code out of the
// notebook, so figures of untrusted notebooks are live too.
(() => {
  "use strict";
  const NAME = "@braid/plotly";
  const MIME = "application/vnd.plotly.v1+json";
  const folder = document.currentScript.src.replace(/[^/]*$/, "");
  let shareScope;
  let loading;

  /** A module that Lab shares, in its newest version. */
  async function shared(name) {
    const versions = Object.keys(shareScope[name] ?? {});
    if (versions.length === 0) throw new Error(`JupyterLab does not share ${name}`);
    versions.sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    return (await shareScope[name][versions.at(-1)].get())();
  }

  function loadPlotly() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${folder}plotly.min.js`;
      script.onload = () => (window.Plotly ? resolve(window.Plotly) : reject(new Error("plotly.min.js did not start")));
      script.onerror = () => {
        loading = undefined;
        script.remove();
        reject(new Error("plotly.min.js could not be loaded; `npx braid install` puts it there"));
      };
      document.head.append(script);
    });
    return loading;
  }

  /** Fonts and colours of the page's theme as a plotly template: what the figure sets itself stays. */
  function themed(layout) {
    const style = getComputedStyle(document.body);
    const value = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
    const grid = value("--jp-border-color3", "#eeeeee");
    const line = value("--jp-border-color0", "#bdbdbd");
    const axis = { gridcolor: grid, zerolinecolor: line, linecolor: line, tickcolor: line };
    const given = layout.template ?? {};
    return {
      ...layout,
      template: {
        ...given,
        layout: {
          ...given.layout,
          font: {
            color: value("--jp-content-font-color1", "#212121"),
            family: value("--jp-ui-font-family", "system-ui, sans-serif"),
            size: 12,
            ...given.layout?.font,
          },
          paper_bgcolor: "rgba(0,0,0,0)",
          plot_bgcolor: "rgba(0,0,0,0)",
          xaxis: { ...axis, ...given.layout?.xaxis },
          yaxis: { ...axis, ...given.layout?.yaxis },
          hoverlabel: { font: { family: value("--jp-ui-font-family", "system-ui, sans-serif") } },
          modebar: {
            bgcolor: "rgba(0,0,0,0)",
            color: value("--jp-ui-font-color3", "#9e9e9e"),
            activecolor: value("--jp-ui-font-color1", "#212121"),
          },
        },
      },
    };
  }

  /** The figures on the page; all are drawn again when the theme changes. */
  const figures = new Set();
  new MutationObserver(() => {
    // Lab sets the attribute before the new style sheet has taken effect everywhere: a moment later it has.
    setTimeout(() => figures.forEach((figure) => figure.redraw()), 100);
  }).observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });

  function makePlugin(Widget) {
    class RenderedFigure extends Widget {
      constructor() {
        super();
        this.addClass("jp-RenderedPlotly");
        this.node.style.minWidth = "0";
        this.graph = document.createElement("div");
        this.graph.style.width = "100%";
        this.node.append(this.graph);
        this.work = Promise.resolve();
        // Sees what Lab's own resize messages miss: side bars, windowed cells, outputs first drawn while hidden.
        this.observer = new ResizeObserver(() => {
          cancelAnimationFrame(this.frame);
          this.frame = requestAnimationFrame(() => this.resize());
        });
        this.observer.observe(this.node);
        figures.add(this);
      }

      /** Called by Lab for the first picture and for each update of it; one after the other. */
      renderModel(model) {
        this.figure = model.data[MIME];
        return this.redraw();
      }

      redraw() {
        this.work = this.work.then(() => this.draw()).catch((error) => this.fail(error));
        return this.work;
      }

      async draw() {
        const { figure } = this;
        if (figure === undefined) return;
        if (typeof figure !== "object" || figure === null || !Array.isArray(figure.data)) {
          throw new Error("the output has no `data` array");
        }
        const Plotly = await loadPlotly();
        if (this.isDisposed) return;
        // Copies: plotly writes into what it is given, and this is the notebook's model.
        const { data, layout = {}, config = {}, frames } = structuredClone(figure);
        this.message?.remove();
        this.message = undefined;
        this.graph.style.display = "";
        await Plotly.react(this.graph, data, themed(layout), { displaylogo: false, ...config, responsive: false });
        if (frames) await Plotly.addFrames(this.graph, frames);
        this.resize();
      }

      resize() {
        if (this.isDisposed || !this.graph.classList.contains("js-plotly-plot")) return;
        const width = this.node.clientWidth;
        if (width > 0 && this.node.isConnected && width !== this.graph._fullLayout?.width) {
          Promise.resolve(window.Plotly.Plots.resize(this.graph)).catch(() => {
            // Plotly refuses to resize what is hidden just now; the observer calls again when it is shown.
          });
        }
      }

      fail(error) {
        if (this.isDisposed) return;
        this.message ??= document.createElement("pre");
        this.message.textContent = `This figure can't be drawn: ${error?.message ?? error}`;
        this.message.style.cssText = "margin: 0; padding: 4px; color: var(--jp-error-color1); white-space: pre-wrap";
        this.graph.style.display = "none";
        this.node.append(this.message);
      }

      onAfterShow() {
        this.resize();
      }

      onResize() {
        this.resize();
      }

      dispose() {
        if (this.isDisposed) return;
        figures.delete(this);
        this.observer.disconnect();
        cancelAnimationFrame(this.frame);
        window.Plotly?.purge(this.graph);
        super.dispose();
      }
    }

    return {
      id: `${NAME}:factory`,
      description: "Draws plotly figures.",
      rendererFactory: { safe: true, mimeTypes: [MIME], createRenderer: () => new RenderedFigure() },
      rank: 0,
      dataType: "json",
      fileTypes: [{ name: "plotly", mimeTypes: [MIME], extensions: [".plotly", ".plotly.json"] }],
      documentWidgetFactoryOptions: {
        name: "Plotly",
        primaryFileType: "plotly",
        fileTypes: ["plotly", "json"],
        defaultFor: ["plotly"],
      },
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init(scope) {
      shareScope = scope;
    },
    async get() {
      const { Widget } = await shared("@lumino/widgets");
      const module = { __esModule: true, default: makePlugin(Widget) };
      return () => module;
    },
  };
})();
