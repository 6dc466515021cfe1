using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Storage;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Bulkhead.Controller.Hosting;

/// <summary>The description of REST, which the console's types are made from.</summary>
public static class OpenApiDocument
{
    /// <summary>The document's name, part of its path.</summary>
    public const string Name = "v1";

    /// <summary>Configures its generation.</summary>
    public static void Configure(OpenApiOptions options)
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new() { Title = "Bulkhead", Version = "v1", Description = "Host-based micro-segmentation. Errors are application/problem+json; cookie-authenticated writes need the header 'X-Bulkhead: 1'." };
            document.Servers = [];
            document.Tags = document.Paths.Keys.Select(ResourceOf).Distinct().Select(name => new OpenApiTag { Name = name }).ToHashSet();
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(async (operation, context, cancellation) =>
        {
            var schema = await context.GetOrCreateSchemaAsync(typeof(Problem), null, cancellation).ConfigureAwait(false);
            context.Document!.AddComponent(nameof(Problem), schema);
            operation.Tags = new HashSet<OpenApiTagReference> { new(ResourceOf($"/{context.Description.RelativePath}"), context.Document) };
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<PermissionMetadata>().LastOrDefault() is { } required)
            {
                operation.Extensions ??= new Dictionary<string, IOpenApiExtension>();
                operation.Extensions["x-permission"] = new JsonNodeExtension(System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(required.Permission.ToString()));
            }

            operation.Responses ??= [];
            operation.Responses["default"] = new OpenApiResponse
            {
                Description = "Refused; nothing was changed.",
                Content = new Dictionary<string, OpenApiMediaType> { [ProblemResult.MediaType] = new() { Schema = new OpenApiSchemaReference(nameof(Problem), context.Document) } },
            };
        });
    }

    /// <summary>What comes after the version in a path.</summary>
    private static string ResourceOf(string path) => path.Split('/')[3];

    /// <summary>The document of an application that is built for that alone.</summary>
    public static async Task<string> PrintAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("bulkhead-openapi-");
        try
        {
            using var data = DataFolder.Open(folder.FullName);
            using var authority = CertificateAuthority.Open(data, TimeProvider.System);
            var loopback = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0);
            await using var app = ControllerApp.Build(new() { Listen = loopback, AgentListen = [loopback] }, data, authority, TimeProvider.System);
            var document = await app.Services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync(cancellation).ConfigureAwait(false);
            return await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellation).ConfigureAwait(false);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
