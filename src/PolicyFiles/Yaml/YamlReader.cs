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
    private readonly Stack<Mark> _open = [];
    private Mark _read;
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
        if (file.Unreadable is { } unreadable)
        {
            problems.Add(unreadable);
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
            problems.Add(reader.Fault.Explain(error));
        }
        catch (Exception error) when (error is InvalidOperationException or EndOfStreamException)
        {
            // YamlDotNet answers some malformed scalars with its own assertions, some keys that are aliases with an early end.
            problems.Add(reader.Fault.Explain(null));
        }

        return null;
    }

    private YamlFault Fault => new(_file, _parser.Current?.End ?? _read, _open);

    private sealed class Refused(Place at, string code, string message) : Exception(message)
    {
        public Place At { get; } = at;

        public string Code { get; } = code;
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
            throw new Refused(YamlFault.PlaceOf(_file, second.Start), "second-document", "A file holds one document. Move what follows into a file of its own.");
        }

        _parser.Consume<StreamEnd>();
        return tree is YamlScalar { IsNull: true } ? new YamlMapping(tree.At, tree.Start, isFlow: false) : tree;
    }

    private YamlTree ReadNode(int depth)
    {
        var at = _parser.Current ?? throw new SemanticErrorException("The text ends early");
        _read = at.End;
        if (!_parser.Accept<NodeEvent>(out var node))
        {
            _parser.MoveNext();
            return Refuse(at, "alias", "Aliases are not read here. Write the value out.");
        }

        if (++_nodes > MaxNodes)
        {
            throw Not(node, "too-large", $"The file has more than {MaxNodes} values. Split it.");
        }

        if (depth > MaxDepth)
        {
            throw Not(node, "too-deep", $"Nothing here is nested more than {MaxDepth} deep.");
        }

        if (!node.Anchor.IsEmpty)
        {
            Refuse(node, "alias", "Anchors are not read here. Write the value out where it is needed.");
        }

        if (node.Tag.IsEmpty || node.Tag.IsNonSpecific)
        {
            return ReadPlain(node, depth);
        }

        var refused = Refuse(node, "tag", $"Tags such as {node.Tag.Value} are not read here. Leave it out.");
        ReadPlain(node, depth);
        return refused;
    }

    private YamlTree ReadPlain(NodeEvent node, int depth)
    {
        var place = YamlFault.PlaceOf(_file, node.Start);
        var start = (int)node.Start.Index;
        var isFlow = node is SequenceStart { Style: SequenceStyle.Flow } or MappingStart { Style: MappingStyle.Flow };
        if (isFlow)
        {
            _open.Push(node.Start);
        }

        switch (node)
        {
            case SequenceStart:
                _parser.MoveNext();
                var list = new YamlSequence(place, start, isFlow);
                while (!_parser.Accept<SequenceEnd>(out _))
                {
                    list.Items.Add(new(ReadNode(depth + 1)));
                }

                list.End = Close<SequenceEnd>(isFlow);
                return list;

            case MappingStart:
                _parser.MoveNext();
                return ReadMapping(new(place, start, isFlow), depth);

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
            if (key is YamlRefused)
            {
                continue;
            }

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

        mapping.End = Close<MappingEnd>(mapping.IsFlow);
        return mapping;
    }

    /// <summary>Consumes the end that is there; a bracket is closed by then, whatever follows it.</summary>
    private int Close<T>(bool isFlow)
        where T : ParsingEvent
    {
        if (isFlow)
        {
            _open.Pop();
        }

        return (int)_parser.Consume<T>().End.Index;
    }

    /// <summary>Tells of what is not read, and goes on behind it.</summary>
    private YamlRefused Refuse(ParsingEvent at, string code, string message)
    {
        var place = YamlFault.PlaceOf(_file, at.Start);
        _problems.Add(new(place, Diagnostic.Error(code, "", message)));
        return new(place, (int)at.Start.Index, (int)at.End.Index);
    }

    private Refused Not(ParsingEvent at, string code, string message) => new(YamlFault.PlaceOf(_file, at.Start), code, message);
}
