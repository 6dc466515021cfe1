namespace Bulkhead.Controller.Tests.Hosting;

public sealed class HeaderTests
{
    /// <summary>An answer of the exception handler is one too.</summary>
    [Theory]
    [InlineData("/healthz", null, 200)]
    [InlineData("nothing/such", null, 404)]
    [InlineData("workloads/labels", "{ broken", 422)]
    [InlineData("session", "{ broken", 422)]
    public async Task Every_answer_carries_the_security_headers(string path, string? body, int status)
    {
        await using var controller = await TestController.StartAsync();
        using var client = await controller.EditorAsync();
        using var response = await client.SendAsync(body is null ? HttpMethod.Get : HttpMethod.Post, path, body);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("DENY", Assert.Single(response.Headers.GetValues("X-Frame-Options")));
        Assert.StartsWith("default-src 'none'", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Equal("max-age=31536000", Assert.Single(response.Headers.GetValues("Strict-Transport-Security")));
        if (path[0] != '/')
        {
            Assert.Contains("no-store", response.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
        }
    }
}
