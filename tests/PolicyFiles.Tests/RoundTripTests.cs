using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bulkhead.Policy.Documents;
using Bulkhead.PolicyFiles.Forms;
using Bulkhead.PolicyFiles.Inventory;
using Bulkhead.PolicyFiles.Yaml;
using FsCheck;
using FsCheck.Fluent;

namespace Bulkhead.PolicyFiles.Tests;

/// <summary>Nothing is lost between documents and files, whatever is in them.</summary>
public class RoundTripTests
{
    private static readonly Gen<int> Seeds = Gen.Choose(0, int.MaxValue);

    [Fact]
    public void A_document_written_and_read_is_the_same_and_already_in_style() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), Prop.ForAll(Arb.From(Seeds), seed =>
        {
            var document = AnyDocument.Policy(seed);
            var text = Formatter.Write(document);
            var folder = PolicyFolder.Read([new("f", text)]);
            Assert.Equal(JsonSerializer.Serialize(document, PolicyJson.Default.PolicyDocument), JsonSerializer.Serialize(folder.Document, PolicyJson.Default.PolicyDocument));
            Assert.Equal(text, Formatter.Format(new("f", text)).Text);
        }));

    [Fact]
    public void JSON_of_a_document_is_formatted_to_the_same_document() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(100), Prop.ForAll(Arb.From(Seeds), seed =>
        {
            Formats(JsonSerializer.Serialize(AnyDocument.Policy(seed), PolicyJson.Default.PolicyDocument), PolicyJson.Default.PolicyDocument, Formatter.Format);
            Formats(JsonSerializer.Serialize(AnyDocument.Of(InventoryJson.Default.InventoryDocument, seed), InventoryJson.Default.InventoryDocument), InventoryJson.Default.InventoryDocument, Formatter.FormatInventory);
        }));

    [Fact]
    public void Comments_and_blank_lines_wherever_they_stand_survive()
    {
        var formatted = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(Arb.From(Seeds), seed =>
        {
            var random = new Random(seed);
            var text = Formatter.Write(AnyDocument.Policy(seed));
            var commented = string.Concat(text.Split('\n').Select(line => Comment(line, random)));
            if (Form(commented, PolicyJson.Default.PolicyDocument) is not null)
            {
                Formats(commented, PolicyJson.Default.PolicyDocument, Formatter.Format);
                formatted += commented.Length > 200 ? 1 : 0;
            }
        }));
        Assert.True(formatted > 50, $"{formatted} formatted");
    }

    private static void Formats(string text, JsonTypeInfo type, Func<SourceFile, (string? Text, IReadOnlyList<FileDiagnostic> Problems)> format)
    {
        var (formatted, problems) = format(new("f", text));
        Assert.True(formatted is not null, $"{string.Join('\n', problems)}\n{text}");
        Assert.Equal(Form(text, type), Form(formatted, type));
        var again = format(new("f", formatted)).Text;
        Assert.True(formatted == again, $"--- first\n{formatted}\n--- then\n{again}");
    }

    private static string? Form(string text, JsonTypeInfo type)
    {
        var problems = new List<FileDiagnostic>();
        var tree = YamlReader.Read(new("f", text), problems);
        var form = tree is null ? null : JsonSerializer.Serialize(new FormReader(problems).Read(tree, type).Deserialize(type), type);
        return problems.Count == 0 ? form : null;
    }

    /// <summary>A line with others before it, and something behind it; between the lines of a value this changes the value, which is as good.</summary>
    private static string Comment(string line, Random random) => random.Next(10) switch
    {
        0 => $"{new string(' ', random.Next(12))}# own {random.Next(100)}\n{line}\n",
        1 => $"\n\n{line}\n",
        2 => $"{line} # behind {random.Next(100)}\n",
        3 => $"# far left\n\n{new string(' ', random.Next(12))}#two\n{line}\n",
        _ => $"{line}\n",
    };
}
