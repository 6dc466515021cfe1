using Bulkhead.Controller.Hosting;

namespace Bulkhead.Controller.Tests.Hosting;

public sealed class OpenApiTests
{
    private const string Committed = "console/openapi.json";

    [Fact]
    public async Task The_committed_description_of_REST_is_current()
    {
        var file = Repository.PathOf(Committed);
        Assert.True(File.Exists(file), $"{Committed} is missing");
        Assert.True(
            (await File.ReadAllTextAsync(file)).Trim() == (await OpenApiDocument.PrintAsync(CancellationToken.None)).Trim(),
            $"{Committed} is not what REST is now. Run: dotnet run --project src/Controller -- openapi > {Committed}");
    }
}
