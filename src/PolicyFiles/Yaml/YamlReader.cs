using System.Globalization;
using Bulkhead.Policy;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Bulkhead.PolicyFiles.Yaml;

/// <summary>
/// Reads one YAML document within bounds: size, depth and number of nodes; no anchors, aliases and tags, with which a small text can mean
/// a huge one. It never throws for a text, whatever it is.
/// </summary>
internal sealed class YamlReader
{
    /// <summary>Collections within collections. Policies need ten.</summary>
    public const int MaxDepth = 24;

    /// <summary>Scalars and collections in a file.</summary>
    public const int MaxNodes = 4_000_000;

    private readonly SourceFile _file;
    private readonly ICollection<FileDiagnostic> _problems;
    private readonly Parser _parser;
    private int _nodes;

    private YamlReader(SourceFile file, ICollection<FileDiagnostic> problems)
    {
        _file = file;
        _problems = problems;
        _parser = new(new StringReader(file.Text));
    }

    /// <summary>The tree, or null with a problem if the text is not one document within bounds. An empty text is an empty mapping.</summary>
    public static YamlTree? Read(SourceFile file, ICollection<FileDiagnostic> problems)
    {
        if (file.Text.Length > SourceFile.MaxLength)
        {
            problems.Add(new(new(file.Name, 1, 1), Diagnostic.Error("too-large", "", $"The file has more than {SourceFile.MaxLength / 1024 / 1024} million characters. Split it.")));
            return null;
        }

        var reader = new YamlReader(file, problems);
        try
        {
            return reader.ReadDocument();
        }
        catch (Refused refused)
        {
            problems.Add(new(refused.At, Diagnostic.Error(refused.Code, "", refused.Message)));
        }
        catch (YamlException error)
        {
            problems.Add(new(PlaceOf(file, error.Start), Diagnostic.Error("bad-yaml", "", Sentence(error))));
        }

        catch (InvalidOperationException)
        {
            // YamlDotNet's scanner answers some malformed plain scalars with its own assertions.
            problems.Add(new(PlaceOf(file, reader._parser.Current?.End ?? Mark.Empty), Diagnostic.Error("bad-yaml", "", "This is not YAML: what follows here is no value. Look at brackets, dashes and quotes.")));
        }

        return null;
    }

    private sealed class Refused(Place at, string code, string message) : Exception(message)
    {
        public Place At { get; } = at;

        public string Code { get; } = code;
    }

    private static Place PlaceOf(SourceFile file, Mark mark) => new(file.Name, (int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column));

    private static string Sentence(YamlException error)
    {
        var message = error.Message;
        var colon = message.IndexOf("): ", StringComparison.Ordinal);
        message = message.StartsWith('(') && colon > 0 ? message[(colon + 3)..] : message;
        return $"This is not YAML: {message.TrimEnd('.')}. Look at the indentation, and at quotes around values with ':' or '#'.";
    }

    private YamlTree ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            return new YamlMapping(new(_file.Name, 1, 1), 0, isFlow: false);
        }

        _parser.Consume<DocumentStart>();
        var tree = ReadNode(0);
        _parser.Consume<DocumentEnd>();
        if (_parser.Accept<DocumentStart>(out var second))
        {
            throw new Refused(PlaceOf(_file, second.Start), "second-document", "A file holds one document. Move what follows into a file of its own.");
        }

        _parser.Consume<StreamEnd>();
        return tree is YamlScalar { IsNull: true } ? new YamlMapping(tree.At, tree.Start, isFlow: false) : tree;
    }

    private YamlTree ReadNode(int depth)
    {
        var at = _parser.Current ?? throw new SemanticErrorException("The text ends early");
        if (!_parser.Accept<NodeEvent>(out var node))
        {
            _parser.Accept<AnchorAlias>(out var alias);
            throw Not(alias ?? at, "alias", "Aliases are not read here. Write the value out.");
        }

        if (!node.Anchor.IsEmpty)
        {
            throw Not(node, "alias", "Anchors are not read here. Write the value out where it is needed.");
        }

        if (!node.Tag.IsEmpty && !node.Tag.IsNonSpecific)
        {
            throw Not(node, "tag", $"Tags such as {node.Tag.Value} are not read here. Leave it out.");
        }

        if (++_nodes > MaxNodes)
        {
            throw Not(node, "too-large", $"The file has more than {MaxNodes} values. Split it.");
        }

        if (depth > MaxDepth)
        {
            throw Not(node, "too-deep", $"Nothing here is nested more than {MaxDepth} deep.");
        }

        var place = PlaceOf(_file, node.Start);
        var start = (int)node.Start.Index;
        switch (node)
        {
            case SequenceStart sequence:
                _parser.MoveNext();
                var list = new YamlSequence(place, start, sequence.Style == SequenceStyle.Flow);
                while (!_parser.Accept<SequenceEnd>(out _))
                {
                    list.Items.Add(new(ReadNode(depth + 1)));
                }

                list.End = (int)_parser.Consume<SequenceEnd>().End.Index;
                return list;

            case MappingStart mapping:
                _parser.MoveNext();
                return ReadMapping(new(place, start, mapping.Style == MappingStyle.Flow), depth);

            default:
                var scalar = _parser.Consume<Scalar>();
                return new YamlScalar(place, start, (int)scalar.End.Index, scalar.Value, scalar.Style == ScalarStyle.Plain);
        }
    }

    private YamlMapping ReadMapping(YamlMapping mapping, int depth)
    {
        var places = new Dictionary<string, Place>(StringComparer.Ordinal);
        while (!_parser.Accept<MappingEnd>(out _))
        {
            var key = ReadNode(depth + 1);
            var value = ReadNode(depth + 1);
            if (key is not YamlScalar name)
            {
                _problems.Add(new(key.At, Diagnostic.Error("bad-form", "", "Here should be a name, followed by a colon.")));
            }
            else if (!places.TryAdd(name.Text, name.At))
            {
                _problems.Add(new(name.At, Diagnostic.Error("duplicate-key", name.Text, string.Create(CultureInfo.InvariantCulture, $"'{name.Text}' stands already in line {places[name.Text].Line}. Join the two."))));
            }
            else
            {
                mapping.Fields.Add(new(name, value));
            }
        }

        mapping.End = (int)_parser.Consume<MappingEnd>().End.Index;
        return mapping;
    }

    private Refused Not(ParsingEvent at, string code, string message) => new(PlaceOf(_file, at.Start), code, message);
}
