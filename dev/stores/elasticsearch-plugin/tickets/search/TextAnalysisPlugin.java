package tickets.search;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.core.KeywordTokenizer;
import org.apache.lucene.analysis.core.WhitespaceTokenizer;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.miscellaneous.TrimFilter;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenFilter;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.PreConfiguredTokenFilter;
import org.elasticsearch.index.analysis.PreConfiguredTokenizer;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.RestHandler;

/**
 * The text analysis that an event index asks for, under the names of the full distribution: the minimal one carries
 * Lucene's classes and does not register them. A mapping that works here works on the full product, not the reverse.
 */
public class TextAnalysisPlugin extends Plugin implements AnalysisPlugin, ActionPlugin {

    private static final Map<String, Function<TokenStream, TokenStream>> STEMMERS = Map.of(
        "english", PorterStemFilter::new,
        "light_english", KStemFilter::new,
        "possessive_english", EnglishPossessiveFilter::new);

    private interface Filter {
        TokenStream over(TokenStream in, Settings settings);
    }

    private static class FilterFactory extends AbstractTokenFilterFactory {
        private final Filter filter;
        private final Settings settings;

        FilterFactory(String name, Settings settings, Filter filter) {
            super(name);
            this.filter = filter;
            this.settings = settings;
        }

        @Override
        public TokenStream create(TokenStream in) {
            return filter.over(in, settings);
        }
    }

    /** Keeps one token for each token, and may therefore stand in a keyword's normalizer. */
    private static final class NormalizingFactory extends FilterFactory implements NormalizingTokenFilterFactory {
        NormalizingFactory(String name, Settings settings, Filter filter) {
            super(name, settings, filter);
        }
    }

    private static AnalysisProvider<TokenFilterFactory> filter(Filter filter) {
        return (index, environment, name, settings) -> new FilterFactory(name, settings, filter);
    }

    private static AnalysisProvider<TokenFilterFactory> normalizing(Filter filter) {
        return (index, environment, name, settings) -> new NormalizingFactory(name, settings, filter);
    }

    private static AnalysisProvider<TokenizerFactory> tokenizer(Supplier<Tokenizer> make) {
        return (index, environment, name, settings) -> TokenizerFactory.newFactory(name, make);
    }

    private static TokenStream fold(TokenStream in, Settings settings) {
        return new ASCIIFoldingFilter(in, settings.getAsBoolean("preserve_original", false));
    }

    private static TokenStream prefixes(TokenStream in, Settings settings) {
        int shortest = settings.getAsInt("min_gram", 1);
        int longest = settings.getAsInt("max_gram", 2);
        return new EdgeNGramTokenFilter(in, shortest, longest, settings.getAsBoolean("preserve_original", false));
    }

    private static TokenStream stem(TokenStream in, Settings settings) {
        String language = settings.get("language", settings.get("name", "english"));
        Function<TokenStream, TokenStream> stemmer = STEMMERS.get(language);
        if (stemmer == null) {
            throw new IllegalArgumentException("stemmer [" + language + "] is not in this server: " + STEMMERS.keySet());
        }
        return stemmer.apply(in);
    }

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        return Map.of(
            "asciifolding", normalizing(TextAnalysisPlugin::fold),
            "trim", normalizing((in, settings) -> new TrimFilter(in)),
            "stemmer", filter(TextAnalysisPlugin::stem),
            "edge_ngram", filter(TextAnalysisPlugin::prefixes),
            "remove_duplicates", filter((in, settings) -> new RemoveDuplicatesTokenFilter(in)));
    }

    @Override
    public List<PreConfiguredTokenFilter> getPreConfiguredTokenFilters() {
        return List.of(
            PreConfiguredTokenFilter.singleton("asciifolding", true, ASCIIFoldingFilter::new),
            PreConfiguredTokenFilter.singleton("trim", true, TrimFilter::new),
            PreConfiguredTokenFilter.singleton("remove_duplicates", false, RemoveDuplicatesTokenFilter::new),
            PreConfiguredTokenFilter.singleton("kstem", false, KStemFilter::new),
            PreConfiguredTokenFilter.singleton("porter_stem", false, PorterStemFilter::new));
    }

    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of("keyword", tokenizer(KeywordTokenizer::new), "whitespace", tokenizer(WhitespaceTokenizer::new));
    }

    @Override
    public List<PreConfiguredTokenizer> getPreConfiguredTokenizers() {
        return List.of(
            PreConfiguredTokenizer.singleton("keyword", KeywordTokenizer::new),
            PreConfiguredTokenizer.singleton("whitespace", WhitespaceTokenizer::new));
    }

    @Override
    public Collection<RestHandler> getRestHandlers(
            RestHandlersServices services, Supplier<DiscoveryNodes> nodes, Predicate<NodeFeature> features) {
        return List.of(new RootDocument());
    }
}
