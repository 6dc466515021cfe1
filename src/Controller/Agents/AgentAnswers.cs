using Bulkhead.Contracts.Agent;
using Google.Protobuf;
using Microsoft.AspNetCore.Http.Features;

namespace Bulkhead.Controller.Agents;

/// <summary>A protobuf message as the body of an answer on the agent channel.</summary>
public sealed class AgentAnswer(int status, IMessage message) : IResult
{
    /// <summary>The media type of every body on the channel.</summary>
    public const string MediaType = "application/x-protobuf";

    /// <summary>A success.</summary>
    public static AgentAnswer Of(IMessage message) => new(StatusCodes.Status200OK, message);

    /// <summary>A refusal, as <c>docs/agent-channel.md</c> lists them.</summary>
    public static AgentAnswer Refuse(int status, string code, string message, string remedy) =>
        new(status, new Failure { Code = code, Message = message, Remedy = remedy });

    /// <summary>The body cannot be read as what it should be.</summary>
    public static AgentAnswer Malformed(string message) =>
        Refuse(StatusCodes.Status400BadRequest, "malformed-message", $"{message} Nothing was changed.", "Upgrade the agent, or the controller, so that both speak the same version.");

    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        httpContext.Response.ContentType = MediaType;
        httpContext.Response.ContentLength = message.CalculateSize();
        // Not through the body's writer: protobuf advances it before it asks for memory, which Kestrel takes for an error.
        return httpContext.Response.Body.WriteAsync(message.ToByteArray(), httpContext.RequestAborted).AsTask();
    }
}

/// <summary>Reads the bodies of requests on the agent channel.</summary>
public static class AgentBodies
{
    /// <summary>Reads a message of bounded size; null if it is malformed or truncated.</summary>
    /// <exception cref="BadHttpRequestException">It is larger (413).</exception>
    public static async Task<T?> ReadAsync<T>(this HttpRequest request, MessageParser<T> parser, long maxBytes)
        where T : class, IMessage<T>
    {
        var limit = request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>();
        if (limit is { IsReadOnly: false })
        {
            limit.MaxRequestBodySize = maxBytes;
        }

        var cancellation = request.HttpContext.RequestAborted;
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellation).ConfigureAwait(false);
            if (!read.IsCompleted)
            {
                request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            try
            {
                return parser.ParseFrom(read.Buffer);
            }
            catch (InvalidProtocolBufferException)
            {
                return null;
            }
            finally
            {
                request.BodyReader.AdvanceTo(read.Buffer.End);
            }
        }
    }
}
