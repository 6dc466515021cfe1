using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Policy.Tests;

public class AddressTests
{
    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:DB8::1", "2001:db8::1")]
    public void Text_round_trips_in_normal_form(string text, string normal) => Assert.Equal(normal, IpAddress.Parse(text).ToString());

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.6", "192.0.2.1 192.0.2.2/31 192.0.2.4/31 192.0.2.6")]
    [InlineData("0.0.0.0", "255.255.255.255", "0.0.0.0/0")]
    [InlineData("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0")]
    [InlineData("2001:db8::", "2001:db8::1:ffff", "2001:db8::/111")]
    public void A_range_is_covered_by_the_fewest_prefixes(string first, string last, string expected) =>
        Assert.Equal(expected, string.Join(' ', PrefixSet.FromRange(IpAddress.Parse(first), IpAddress.Parse(last))));

    [Fact]
    public void Subtraction_agrees_with_membership()
    {
        var random = new Random(7);
        for (var round = 0; round < 300; round++)
        {
            IpPrefix[] Some(int count) => [.. Enumerable.Range(0, count).Select(_ => IpPrefix.Containing(IpAddress.V4(0x0a000000 | (uint)random.Next(256)), random.Next(24, 33)))];
            var (include, exclude) = (Some(random.Next(1, 5)), Some(random.Next(4)));
            var result = PrefixSet.Subtract(include, exclude).ToList();
            for (var i = 0u; i < 256; i++)
            {
                var address = IpAddress.V4(0x0a000000 | i);
                Assert.Equal(include.Any(p => p.Contains(address)) && !exclude.Any(p => p.Contains(address)), result.Count(p => p.Contains(address)) == 1);
                Assert.True(result.Count(p => p.Contains(address)) <= 1);
            }
        }
    }

    [Fact]
    public void Exclusions_are_taken_out_of_a_network()
    {
        var network = new World().Network("n").Document.Networks[0] with { Addresses = ["192.0.2.0/24"], Exclude = ["192.0.2.0/25", "192.0.2.200-192.0.2.255"] };
        var parsed = NetworkParser.Parse(network, "networks[n]", []);
        Assert.Equal("192.0.2.128/26 192.0.2.192/29", string.Join(' ', parsed!.Prefixes));
    }
}
