using Bulkhead.Cli.Output;

namespace Bulkhead.Cli.Tests.Output;

public sealed class ListingTests
{
    [Fact]
    public void Aligns_columns_and_leaves_empty_ones_out() =>
        Assert.Equal(["NAME  MODE", "web1  full", "db    visibility"], Lines(new Listing("name", "owner", "mode").Row("web1", "", "full").Row("db", "", "visibility")));

    [Fact]
    public void Says_so_if_there_is_nothing() => Assert.Equal(["nothing here"], Lines(new Listing("name")));

    [Fact]
    public void A_name_cannot_take_over_the_terminal() =>
        Assert.Equal(["\uFFFD[2J\uFFFD]0;owned\uFFFD"], Lines(Listing.Facts().Row("\e[2J\u009d]0;owned\a", "")));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1_500, "1.5 KB")]
    [InlineData(123_456_789, "123 MB")]
    public void Bytes_have_three_digits(long bytes, string text) => Assert.Equal(text, Words.Bytes(bytes));

    [Theory]
    [InlineData(0, "now")]
    [InlineData(90, "90 s ago")]
    [InlineData(7_100, "118 min ago")]
    [InlineData(90_000, "25 h ago")]
    [InlineData(200_000, "2 days ago")]
    [InlineData(-7_200, "in 2 h")]
    public void Times_read_in_the_largest_unit_that_tells(int seconds, string text)
    {
        var now = new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero);
        Assert.Equal(text, now.AddSeconds(-seconds).Ago(now));
    }

    private static string[] Lines(Listing listing)
    {
        using var output = new StringWriter();
        listing.WriteTo(Terminal.Plain(output, TextWriter.Null).Out, "nothing here");
        return output.ToString().TrimEnd().Split('\n').Select(line => line.TrimEnd()).ToArray();
    }
}
