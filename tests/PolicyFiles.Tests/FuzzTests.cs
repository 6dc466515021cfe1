using Bulkhead.Policy.Labels;
using Bulkhead.PolicyFiles.Inventory;

namespace Bulkhead.PolicyFiles.Tests;

/// <summary>Whatever a file holds, reading and formatting it ends, with a result or with problems.</summary>
public class FuzzTests
{
    private static readonly HashSet<string> Keys = [.. LabelText.BuiltInKeys];
    private static readonly string[] Pieces = ["[", "]", "{", "}", ": ", "- ", "\n", "\n  ", "#", "\"", "'", "|\n", ">-\n", "&a ", "*a", "!!set ", "? ", "---\n", "...\n", "%YAML 9.9\n", "\t", "\r", "\0", "\u2028", "\ud800", "\ufeff", "<<: ", "|2\n", "\\", ",", "~"];

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    public void Mutated_files_are_read_or_refused(int seed)
    {
        var random = new Random(seed);
        var (read, refused) = (0, 0);
        for (var i = 0; i < 400; i++)
        {
            var file = new SourceFile("f", Mutate(Formatter.Write(AnyDocument.Policy(random.Next())), random));
            var (model, problems) = PolicyFolder.Read([file]).Check(Keys);
            Assert.Equal(model is null, problems.Any(p => p.Found.Severity == Policy.Severity.Error));
            Assert.All(problems, p => Assert.True(p.At is { File: "f", Line: > 0, Column: > 0 } && p.Found.Message.Length > 10));
            var (text, unformatted) = Formatter.Format(file);
            Assert.Equal(text is null, unformatted.Count > 0);
            Assert.NotNull(InventoryFile.Read(file).Problems);
            (read, refused) = text is null ? (read, refused + 1) : (read + 1, refused);
        }

        Assert.True(read > 20 && refused > 20, $"{read} read, {refused} refused");
    }

    [Theory]
    [InlineData("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")]
    [InlineData("? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ?")]
    [InlineData("- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -")]
    [InlineData("\ufeffmodes: []")]
    [InlineData("\u0000")]
    [InlineData("{")]
    [InlineData("- : -")]
    public void Odd_files_end(string text) => Assert.NotNull(PolicyFolder.Read([new("f", text)]).Check(Keys).Problems);

    [Fact]
    public void Size_is_bounded()
    {
        Assert.Equal("too-large", Assert.Single(PolicyFolder.Read([new("f", new string('#', SourceFile.MaxLength + 1))]).Check(Keys).Problems).Found.Code);
    }

    private static string Mutate(string text, Random random)
    {
        for (var edits = random.Next(1, 5); edits > 0; edits--)
        {
            var at = random.Next(text.Length + 1);
            var length = Math.Min(random.Next(6), text.Length - at);
            text = random.Next(4) switch
            {
                0 => text.Remove(at, length),
                1 => text.Insert(random.Next(text.Length + 1), text.Substring(at, length)),
                _ => text.Insert(at, Pieces[random.Next(Pieces.Length)]),
            };
        }

        return text;
    }
}
